/** Everything the fake program knows, and the few things that happen in it by themselves. */
import { appError, type BackendEvent, type CommandName, type Params, type Reply } from "../backend.ts";
import type {
  BackupTrouble,
  BlockedAccount,
  Connection,
  ConversationKey,
  Health,
  IssuedLink,
  Me,
  Mended,
  Message,
  MessageId,
  Privacy,
  Settings,
  Slot,
  SystemEvent,
} from "../bindings.ts";
import { ME, summary, toMessage, type Chat } from "./chat.ts";
import { buildChats, RELAY, type Scene } from "./scene.ts";

export type FakeOptions = {
  scene: Scene;
  /** How long a command takes. */
  latencyMs: number;
  now: () => number;
  /** Two people answer by themselves after this time; null: they stay silent. */
  replyMs: number | null;
};

export type Handlers = { [K in CommandName]: (params: Params<K>) => Reply<K> };

/** The recovery code of the fake account, in its order. */
export const WORDS =
  "anchor velvet puzzle ocean ribbon garden cactus lemon window forest marble tunnel copper meadow lantern pigeon saddle violin walnut yellow zebra hammer island jacket".split(
    " ",
  );
/** What the picture of the code says. */
export const CODE_PICTURE = `relevo:r#${WORDS.join("")}`;
const QUARANTINE = "/home/sam/.local/share/relevo/account/quarantine-1795362180000";
export const PASSPHRASE = "correct horse";
export const FOLDER = "/media/sam/Backup disk/Relevo";
const HOUR = 3_600_000;

/** People who answer what is written to them, by conversation. */
const answers: ReadonlyMap<ConversationKey, (text: string) => string> = new Map([
  [1, (text: string) => (text.endsWith("?") ? "Yes, of course." : "Sounds good 🙂")],
  [2, (text: string) => `You said: ${text}`],
]);

const mendedBy: Partial<Record<Scene, Mended["how"]>> = {
  salvaged: "salvaged",
  copy: "copy",
  identityOnly: "identityOnly",
};

function slotsOf(scene: Scene): Slot[] {
  const slot = (kind: Slot["kind"], trouble: Slot["trouble"] = null, detail: string | null = null): Slot => ({
    kind,
    trouble,
    detail,
  });
  if (scene === "locked") return [slot("passphrase")];
  if (scene === "lockedOut") {
    const detail = "org.freedesktop.Secret.Error.IsLocked";
    return [slot("keyring", "locked", detail), slot("passphrase"), slot("recovery")];
  }
  if (scene === "keyringFailed") {
    return [slot("keyring", "failed", "org.freedesktop.DBus.Error.NoReply"), slot("recovery")];
  }
  return [slot("keyring"), slot("recovery")];
}

export class World {
  readonly options: FakeOptions;
  readonly chats: Chat[];
  readonly health: Health;
  /** Texts that were shown as a code, so that their pictures can be read. */
  readonly codes = new Set<string>();
  scene: Scene;
  me: Me;
  settings: Settings = { theme: "system", language: "system" };
  connection: Connection;
  slots: Slot[];
  privacy: Privacy = { readReceipts: true, typing: true, announce: true };
  mended: Mended | null = null;
  links: IssuedLink[];
  broughtBack = false;
  backupTrouble: BackupTrouble | null = null;
  blocked: BlockedAccount[];
  handler: ((event: BackendEvent) => void) | null = null;

  constructor(options: FakeOptions) {
    const now = options.now();
    const { scene } = options;
    this.options = options;
    this.scene = scene;
    this.chats = buildChats(scene, now);
    const recovery =
      scene === "due" ? "due" : scene === "firstRun" || scene === "noKeyring" ? "later" : "confirmed";
    this.me = {
      account: ME,
      name: "Sam Rivera",
      relay: RELAY,
      handle: null,
      recovery,
      presence: { announced: true, doNotDisturb: null, text: null },
    };
    this.connection = { state: "online", since: now, cause: null, retryAt: null, waiting: 0 };
    this.slots = slotsOf(scene);
    this.links = [
      { token: "k7Qm2xV9", kind: "invite", expires: now + 5 * 24 * HOUR, uses: 1 },
      { token: "c3Rt8wZa", kind: "contact", expires: now + 300 * 24 * HOUR, uses: 40 },
    ];
    this.blocked = this.chats
      .filter((chat) => chat.standing === "blocked")
      .map((chat) => ({ account: chat.peer, name: chat.title }));
    this.health = {
      unopened: 0,
      missing: scene === "people" ? 4 : 0,
      backupFolder: null,
      lastBackup: null,
      backupProblem: null,
      lastRehearsal: null,
      setAside: [],
      lastCopy: now - 5 * HOUR,
      damaged: [],
    };
    if (scene === "backupTrouble") {
      const since = now - 4 * 24 * HOUR;
      this.backupTrouble = { kind: "notWritten", since, problem: "folder" };
      Object.assign(this.health, {
        backupFolder: "/media/sam/Gone",
        lastBackup: since,
        backupProblem: "folder",
        setAside: ["/media/sam/Gone/relevo-earlier-1"],
      });
    }
    const how = mendedBy[scene];
    if (how) this.damage(how);
  }

  get now(): number {
    return this.options.now();
  }

  get online(): boolean {
    return this.connection.state === "online";
  }

  emit(event: BackendEvent): void {
    this.handler?.(structuredClone(event));
  }

  later(steps: number, run: () => void): void {
    setTimeout(run, this.options.latencyMs * steps);
  }

  chat(key: ConversationKey): Chat {
    const chat = this.chats.find((candidate) => candidate.key === key);
    if (!chat) throw appError("notFound");
    return chat;
  }

  message(key: ConversationKey, id: MessageId): Message {
    const message = this.chat(key).messages.find((candidate) => candidate.id === id);
    if (!message) throw appError("notFound");
    return message;
  }

  nextKey(): ConversationKey {
    return Math.max(0, ...this.chats.map((chat) => chat.key)) + 1;
  }

  summaries(): ReturnType<typeof summary>[] {
    return this.chats
      .map((chat) => this.#visible(summary(chat, this.now)))
      .sort((a, b) => b.lastActivity - a.lastActivity);
  }

  changeMe(change: Partial<Me>): Me {
    this.me = { ...this.me, ...change };
    this.emit({ type: "meChanged", me: this.me });
    return this.me;
  }

  changeBackupTrouble(trouble: BackupTrouble | null): void {
    this.backupTrouble = trouble;
    this.emit({ type: "backupTroubleChanged", trouble });
  }

  listChanged(key: ConversationKey): void {
    this.emit({ type: "conversationsChanged", keys: [key] });
  }

  changed(chat: Chat, ids: MessageId[]): void {
    this.emit({ type: "messagesChanged", conversation: chat.key, ids });
    this.listChanged(chat.key);
  }

  append(chat: Chat, line: Parameters<typeof toMessage>[3]): Message {
    const order = (chat.messages.at(-1)?.order ?? 0) + 1;
    const message = toMessage(chat.key, chat.peer, order, line, this.now);
    chat.messages.push(message);
    return message;
  }

  /** A message of the other person. The first answer makes the recovery code due. */
  receive(key: ConversationKey, text: string): Message {
    const chat = this.chat(key);
    chat.typing = false;
    const message = this.append(chat, { text, minutesAgo: 0 });
    this.changed(chat, [message.id]);
    const answered = chat.messages.some((earlier) => earlier.mine);
    if (this.me.recovery === "later" && answered) this.changeMe({ recovery: "due" });
    return message;
  }

  /** A line of the app itself. */
  note(key: ConversationKey, system: SystemEvent): Message {
    const chat = this.chat(key);
    const message = this.append(chat, { kind: "system", system, text: "", minutesAgo: 0 });
    this.changed(chat, [message.id]);
    return message;
  }

  setOnline(online: boolean, cause: Connection["cause"]): void {
    this.connection = {
      ...this.connection,
      state: online ? "online" : "offline",
      since: this.now,
      cause: online ? null : cause,
    };
    if (online) {
      const waiting = this.chats.flatMap((chat) => chat.messages).filter((m) => m.outgoing === "queued");
      for (const message of waiting) this.deliver(message);
    }
    this.announceConnection();
  }

  announceConnection(): void {
    const waiting = this.chats.flatMap((chat) => chat.messages).filter((m) => m.outgoing === "queued").length;
    this.connection = { ...this.connection, waiting };
    this.emit({ type: "connectionChanged", connection: this.connection });
  }

  /** Sends; somebody who has accepted gets it, and may read it and answer. */
  deliver(message: Message): void {
    const chat = this.chat(message.conversation);
    this.later(3, () => this.#reach(message, { outgoing: "sent", sentAt: this.now }));
    if (chat.standing === "asked") return;
    this.later(8, () => this.#reach(message, { outgoing: "delivered", deliveredAt: this.now }));
    const answer = answers.get(chat.key);
    const { replyMs } = this.options;
    if (!answer || replyMs === null) return;
    setTimeout(() => {
      if (this.privacy.readReceipts) this.#reach(message, { outgoing: "read", readAt: this.now });
      chat.typing = this.privacy.typing;
      this.listChanged(chat.key);
    }, replyMs * 0.6);
    setTimeout(() => this.receive(chat.key, answer(message.text)), replyMs);
  }

  #reach(message: Message, change: Partial<Message>): void {
    Object.assign(message, change);
    this.changed(this.chat(message.conversation), [message.id]);
  }

  /** What is not shown to others is not seen of them. */
  #visible<T extends ReturnType<typeof summary>>(row: T): T {
    return {
      ...row,
      presence: this.privacy.announce ? row.presence : null,
      typing: this.privacy.typing && row.typing,
    };
  }

  damage(how: Mended["how"]): void {
    this.mended = {
      how,
      copyTime: how === "copy" || how === "backup" ? this.now - 19 * HOUR : null,
      messagesKept: this.chats.reduce((sum, chat) => sum + chat.messages.length, 0),
      conversations: this.chats.length,
      quarantine: QUARANTINE,
      messagesMissing: how === "salvaged" ? 3 : null,
      lostSince: how === "salvaged" ? this.now - 20 * HOUR : null,
    };
    this.health.damaged = [QUARANTINE];
  }
}
