/** Commands about other people: who may write, who they are, and how they are found. */
import { appError } from "../backend.ts";
import type { LinkKind, NewLink } from "../bindings.ts";
import { inspect } from "./account.ts";
import { emptyChat, ME, MINUTE, type Chat } from "./chat.ts";
import { fakeQr, readFakeQr } from "./qr.ts";
import type { Handlers, World } from "./world.ts";

const DAY_MS = 86_400_000;
/** How many texts somebody may write who was not accepted yet. */
const TEXTS_BEFORE = 3;

/** Sixty digits that depend on both accounts, in groups of five. */
export function safetyGroups(peer: string): string[] {
  let seed = 11;
  for (const char of ME + peer) seed = (seed * 131 + (char.codePointAt(0) ?? 0)) % 2_147_483_647;
  return Array.from({ length: 12 }, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return String(seed % 100_000).padStart(5, "0");
  });
}

function newLink(world: World, kind: LinkKind): NewLink {
  const secret = `k7Qm2xV${world.links.length}`;
  const url = `relevo://relay.example.org/${kind === "invite" ? "i" : "contact"}/${secret.repeat(9)}#a11a11a1`;
  const expires = world.now + (kind === "invite" ? 7 : 365) * DAY_MS;
  const uses = kind === "invite" ? 1 : 50;
  world.links.push({ token: secret, kind, expires, uses });
  world.codes.add(url);
  return { url, qr: fakeQr(url), expires, uses };
}

function setStanding(world: World, chat: Chat, standing: Chat["standing"]): void {
  chat.standing = standing;
  chat.textsLeft = standing === "asked" ? TEXTS_BEFORE : null;
  world.listChanged(chat.key);
}

function ends(world: World, minutes: number | null): number | null {
  return minutes === null ? null : world.now + minutes * MINUTE;
}

function block(world: World, account: string): void {
  const chat = world.chats.find((candidate) => candidate.peer === account);
  const known = world.blocked.some((entry) => entry.account === account);
  if (!known) world.blocked.push({ account, name: chat?.title ?? "" });
}

export function peopleHandlers(world: World) {
  return {
    acceptRequest: ({ conversation }) => {
      const chat = world.chat(conversation);
      const message = world.append(chat, {
        kind: "system",
        system: "requestAccepted",
        mine: true,
        text: "",
        minutesAgo: 0,
      });
      message.outgoing = null;
      chat.looksLike = null;
      setStanding(world, chat, "open");
      world.changed(chat, [message.id]);
      return null;
    },
    declineRequest: ({ conversation, block: blocks }) => {
      const chat = world.chat(conversation);
      if (blocks) block(world, chat.peer);
      world.chats.splice(world.chats.indexOf(chat), 1);
      world.listChanged(conversation);
      return null;
    },
    setBlocked: ({ account, blocked }) => {
      if (blocked) block(world, account);
      else world.blocked = world.blocked.filter((entry) => entry.account !== account);
      const chat = world.chats.find((candidate) => candidate.peer === account);
      if (chat) setStanding(world, chat, blocked ? "blocked" : "open");
      return null;
    },
    blocked: () => world.blocked,
    safetyNumber: ({ conversation }) => {
      const chat = world.chat(conversation);
      const groups = safetyGroups(chat.peer);
      world.codes.add(groups.join(" "));
      return { groups, qr: fakeQr(groups.join(" ")), verified: chat.verified };
    },
    compareSafetyNumber: ({ conversation, text }) => {
      const chat = world.chat(conversation);
      const digits = text.replace(/\D/gu, "");
      if (digits.length !== 60) return "unreadable";
      if (digits !== safetyGroups(chat.peer).join("")) return "different";
      chat.verified = true;
      world.listChanged(conversation);
      return "same";
    },
    setVerified: ({ conversation, verified }) => {
      world.chat(conversation).verified = verified;
      world.listChanged(conversation);
      return null;
    },
    readQr: (picture) => {
      const text = readFakeQr(picture, world.codes);
      if (text === null) throw appError("noQr");
      return text;
    },
    openContact: ({ link }) => {
      const preview = inspect(link);
      if (link.includes("mine")) throw appError("ownLink");
      if (preview.known !== null) return preview.known;
      const key = world.nextKey();
      world.chats.push({ ...emptyChat(key, "", "9f8e7d6c"), established: false });
      world.later(0, () => world.listChanged(key));
      return key;
    },
    openHandle: ({ handle }) => {
      if (!/^[a-z0-9._-]{2,32}$/.test(handle)) throw appError("handleInvalid");
      if (handle !== "luis.vega") throw appError("notFound");
      const known = world.chats.find((chat) => chat.peer === "8b21f0aa");
      if (known) return known.key;
      const key = world.nextKey();
      const chat = emptyChat(key, `@${handle}`, "8b21f0aa");
      world.chats.push({ ...chat, standing: "asked", textsLeft: TEXTS_BEFORE });
      world.later(0, () => world.listChanged(key));
      return key;
    },
    setDoNotDisturb: ({ on, minutes }) => {
      const doNotDisturb = on ? { until: ends(world, minutes) } : null;
      return world.changeMe({ presence: { ...world.me.presence, doNotDisturb } });
    },
    setStatusText: ({ text, minutes }) => {
      const line = text.trim();
      if ([...line].length > 100 || /\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u.test(line))
        throw appError("textInvalid");
      const said = line === "" ? null : { text: line, until: ends(world, minutes) };
      return world.changeMe({ presence: { ...world.me.presence, text: said } });
    },
    input: () => null,
    typing: () => null,
    createInvite: () => newLink(world, "invite"),
    createContactLink: () => newLink(world, "contact"),
    links: () => world.links,
    endLink: ({ token }) => {
      world.links = world.links.filter((link) => link.token !== token);
      return world.links;
    },
  } satisfies Partial<Handlers>;
}
