/** Commands about the account, the ways into it, and the recovery code. */
import { appError } from "../backend.ts";
import type { AppState, KeyringStatus, LinkPreview, Protection, Slot, SlotKind } from "../bindings.ts";
import { emptyChat } from "./chat.ts";
import { fakeQr } from "./qr.ts";
import { RELAY } from "./scene.ts";
import { CODE_PICTURE, FOLDER, PASSPHRASE, WORDS, type Handlers, type World } from "./world.ts";

const OTHER_RELAY = "other.example.net:443";

function wordsIn(code: string): string[] {
  return code
    .toLowerCase()
    .split(/\P{L}+/u)
    .filter((word) => word !== "");
}

function checkCode(code: string): void {
  if (code.trim() !== CODE_PICTURE && wordsIn(code).join(" ") !== WORDS.join(" "))
    throw appError("wrongCode");
}

function checkProtection(protection: Protection): void {
  if (protection.kind === "passphrase" && [...protection.passphrase].length < 8) {
    throw appError("passphraseTooShort");
  }
}

export function inspect(text: string): LinkPreview {
  const kind = /^relevo:.*contact/.test(text) ? "contact" : "invite";
  if (!text.startsWith("relevo:") || text.length < 20) throw appError("badLink");
  const other = text.includes("other.example");
  const known = text.includes("known") ? 1 : null;
  const relay = other ? OTHER_RELAY : RELAY;
  return { kind, relay, issuer: "a11a11a1", issuerShort: "uenbdiia", sameRelay: !other, known };
}

function stateOf(world: World): AppState {
  const { settings, slots } = world;
  const keyring: KeyringStatus =
    world.scene === "noKeyring" ? { state: "unavailable", reason: "no service" } : { state: "available" };
  const folder = "/home/sam/.local/share/relevo";
  switch (world.scene) {
    case "firstRun":
    case "noKeyring":
      return { stage: "firstRun", keyring, settings };
    case "locked":
    case "lockedOut":
      return { stage: "locked", slots, settings };
    case "keyringFailed":
      return { stage: "keyringFailed", reason: "prompt dismissed", slots, settings };
    case "broken":
      return { stage: "broken", error: appError("database", folder), settings };
    case "newer":
      return { stage: "broken", error: appError("newer", folder), settings };
    case "lostFiles":
      return { stage: "lost", what: "damaged", keys: true, detail: `${folder}: no page`, settings };
    case "lostKeys":
      return { stage: "lost", what: "ways", keys: false, detail: `${folder}: keys`, settings };
    case "inUse":
      return { stage: "broken", error: appError("busy", folder), settings };
    default: {
      const { me, connection, mended } = world;
      return {
        stage: "ready",
        me,
        connection,
        settings,
        mended,
        damaged: world.scene === "damaged",
        backup: world.backupTrouble,
      };
    }
  }
}

/** The profile is open; a trouble of the keyring is put right on the way. */
function enter(world: World): AppState {
  world.scene = "chats";
  world.slots = world.slots.map((slot): Slot => ({ ...slot, trouble: null, detail: null }));
  return stateOf(world);
}

function withSlot(slots: readonly Slot[], kind: SlotKind): Slot[] {
  const others = slots.filter((slot) => slot.kind !== kind && slot.kind !== "unprotected");
  return [...others, { kind, trouble: null, detail: null }];
}

export function accountHandlers(world: World) {
  return {
    open: () => stateOf(world),
    inspectLink: ({ text }) => inspect(text),
    createAccount: ({ link, name, protection }) => {
      if (inspect(link).kind !== "invite") throw appError("badLink");
      if ([...name].length > 64) throw appError("nameInvalid");
      checkProtection(protection);
      world.me = { ...world.me, name, recovery: "later" };
      world.slots = withSlot([{ kind: "recovery", trouble: null, detail: null }], protection.kind);
      const chat = emptyChat(1, "Ana Morales", "a11a11a1");
      world.chats.push(chat);
      world.append(chat, { kind: "system", system: "conversationStarted", text: "", minutesAgo: 0 });
      chat.readUpTo = 1;
      return enter(world);
    },
    unlock: ({ passphrase }) => {
      if (passphrase !== PASSPHRASE) throw appError("wrongPassphrase");
      return enter(world);
    },
    unlockWithCode: ({ code }) => {
      checkCode(code);
      return enter(world);
    },
    restoreAccount: ({ code, relay, folder, name, protection }) => {
      checkCode(code);
      checkProtection(protection);
      if (code !== CODE_PICTURE && !/^(relevo:|https:\/\/)|^[\w.-]+\.\w+(:\d+)?$/.test(relay))
        throw appError("badLink");
      if (relay.includes("other.example")) throw appError("noRecoveryRecord");
      if (relay.includes("gone.example")) throw appError("relayUnreachable");
      if (folder !== null && folder !== FOLDER) throw appError("folder");
      world.me = { ...world.me, name: name ?? "Sam Rivera", recovery: "confirmed" };
      world.slots = withSlot([{ kind: "recovery", trouble: null, detail: null }], protection.kind);
      const chat = emptyChat(1, "Ana Morales", "a11a11a1");
      world.chats.push(chat);
      if (folder !== null) world.append(chat, { text: "From the backup", minutesAgo: 300 });
      world.append(chat, { kind: "system", system: "rejoined", text: "", minutesAgo: 0 });
      return enter(world);
    },
    openWithoutMessages: () => {
      world.chats.splice(0);
      world.damage("identityOnly");
      return enter(world);
    },
    openWithBackup: ({ folder, code }) => {
      checkCode(code);
      if (folder !== FOLDER) throw appError("noBackup");
      world.damage("backup");
      return enter(world);
    },
    putAside: () => {
      world.scene = "firstRun";
      return stateOf(world);
    },
    restart: () => null,
    acknowledgeMended: () => {
      world.mended = null;
      return null;
    },
    slots: () => world.slots,
    addSlot: ({ protection }) => {
      checkProtection(protection);
      world.slots = withSlot(world.slots, protection.kind);
      return world.slots;
    },
    addCodeSlot: ({ code }) => {
      checkCode(code);
      world.slots = withSlot(world.slots, "recovery");
      return world.slots;
    },
    removeSlot: ({ kind }) => {
      const left = world.slots.filter((slot) => slot.kind !== kind);
      if (left.length === 0) throw appError("lastSlot");
      world.slots = left;
      return left;
    },
    recoveryCode: () => {
      if (world.me.recovery === "confirmed") throw appError("notFound");
      world.codes.add(CODE_PICTURE);
      return { words: WORDS, qr: fakeQr(CODE_PICTURE), ask: [4, 19] };
    },
    confirmRecoveryCode: ({ words }) => {
      const right = words.every((asked) => WORDS[asked.position - 1] === asked.word.trim().toLowerCase());
      if (!right || words.length !== 2) throw appError("wrongWord");
      world.changeMe({ recovery: "confirmed" });
      return world.health.damaged;
    },
    setName: ({ name }) => {
      const cleaned = name.trim().replace(/\s+/gu, " ");
      if (cleaned === "" || [...cleaned].length > 64) throw appError("nameInvalid");
      return world.changeMe({ name: cleaned });
    },
    setHandle: ({ handle }) => {
      if (handle !== null && !/^[a-z0-9._-]{2,32}$/.test(handle)) throw appError("handleInvalid");
      if (handle === "ana") throw appError("handleTaken");
      return world.changeMe({ handle });
    },
    saveSettings: ({ settings }) => {
      world.settings = settings;
      return settings;
    },
    privacy: () => world.privacy,
    savePrivacy: ({ privacy }) => {
      world.privacy = privacy;
      world.changeMe({ presence: { ...world.me.presence, announced: privacy.announce } });
      world.emit({ type: "conversationsChanged", keys: [] });
      return privacy;
    },
  } satisfies Partial<Handlers>;
}

export { checkCode };
