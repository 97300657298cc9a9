/**
 * A program in memory that behaves like the real one: it takes time, can be
 * offline, fails on demand, and has two people who answer. It lets the window
 * run in a browser and in tests.
 */
import {
  appError,
  type Backend,
  type BackendEvent,
  type CommandName,
  type Params,
  type Reply,
} from "../backend.ts";
import type {
  AppError,
  AppState,
  Connection,
  Conversation,
  ConversationKey,
  LinkPreview,
  Message,
  MessageId,
  Settings,
} from "../bindings.ts";
import { fakeQr } from "./qr.ts";
import { buildChats, ME, RELAY, toMessage, type Chat, type Scene } from "./scene.ts";

export type FakeOptions = {
  scene: Scene;
  /** How long a command takes. */
  latencyMs: number;
  now: () => number;
  /** The two people answer by themselves after this time; null: they stay silent. */
  replyMs: number | null;
};

type Handlers = { [K in CommandName]: (params: Params<K>) => Reply<K> };

/** People who answer what is written to them, by conversation. */
const answers: ReadonlyMap<ConversationKey, (text: string) => string> = new Map([
  [1, (text: string) => (text.endsWith("?") ? "Yes, of course." : "Sounds good 🙂")],
  [2, (text: string) => `You said: ${text}`],
]);

export class FakeBackend implements Backend {
  readonly #options: FakeOptions;
  readonly #failures = new Map<CommandName, AppError[]>();
  readonly #chats: Chat[];
  readonly calls: { name: CommandName; params: unknown }[] = [];
  #handler: ((event: BackendEvent) => void) | null = null;
  #scene: Scene;
  #name = "Sam Rivera";
  #settings: Settings = { theme: "system", language: "system" };
  #connection: Connection;

  constructor(options: FakeOptions) {
    this.#options = options;
    this.#scene = options.scene;
    this.#chats = buildChats(options.scene, options.now());
    this.#connection = { state: "online", since: options.now(), cause: null, retryAt: null, waiting: 0 };
  }

  async call<K extends CommandName>(name: K, params: Params<K>): Promise<Reply<K>> {
    this.calls.push({ name, params });
    await this.#wait(name === "createAccount" ? this.#options.latencyMs * 20 : this.#options.latencyMs);
    const failure = this.#failures.get(name)?.shift();
    // The shell hands over plain objects, not instances of Error.
    if (failure) throw failure;
    const reply = this.#handlers[name](params);
    return structuredClone(reply);
  }

  async subscribe(handler: (event: BackendEvent) => void): Promise<void> {
    await this.#wait(0);
    this.#handler = handler;
  }

  /** The next call of this command is rejected. */
  failNext(name: CommandName, error: AppError): void {
    this.#failures.set(name, [...(this.#failures.get(name) ?? []), error]);
  }

  emit(event: BackendEvent): void {
    this.#handler?.(structuredClone(event));
  }

  setOnline(online: boolean, cause: Connection["cause"] = "relayUnreachable"): void {
    this.#connection = {
      ...this.#connection,
      state: online ? "online" : "offline",
      since: this.#options.now(),
      cause: online ? null : cause,
    };
    if (online) {
      const waiting = this.#chats.flatMap((chat) => chat.messages).filter((m) => m.outgoing === "queued");
      for (const message of waiting) this.#deliver(message);
    }
    this.#announceConnection();
  }

  /** A message of the other person. */
  receive(key: ConversationKey, text: string): Message {
    const chat = this.#chat(key);
    const message = this.#append(chat, text, false);
    this.#changed(chat, [message.id]);
    return message;
  }

  readonly #handlers: Handlers = {
    open: () => this.#state(),
    inspectLink: ({ text }) => this.#inspect(text),
    createAccount: ({ link, name }) => {
      if (this.#inspect(link).kind !== "invite") throw appError("badLink");
      if ([...name].length > 64) throw appError("nameInvalid");
      this.#name = name;
      this.#scene = "chats";
      const chat: Chat = {
        key: 1,
        title: "Ana Morales",
        peer: "a11a11a1",
        established: true,
        draft: "",
        readUpTo: 1,
        messages: [],
      };
      const started = { kind: "system", system: "conversationStarted", text: "", minutesAgo: 0 } as const;
      chat.messages.push(toMessage(1, chat.peer, 1, started, this.#options.now()));
      this.#chats.push(chat);
      return this.#state();
    },
    unlock: ({ passphrase }) => {
      if (passphrase !== "correct horse") throw appError("wrongPassphrase");
      this.#scene = "chats";
      return this.#state();
    },
    openContact: ({ link }) => {
      const preview = this.#inspect(link);
      if (link.includes("mine")) throw appError("ownLink");
      if (preview.known !== null) return preview.known;
      const key = Math.max(0, ...this.#chats.map((chat) => chat.key)) + 1;
      this.#chats.push({
        key,
        title: "",
        peer: "9f8e7d6c",
        established: false,
        draft: "",
        readUpTo: 0,
        messages: [],
      });
      this.#later(0, () => this.emit({ type: "conversationsChanged", keys: [key] }));
      return key;
    },
    conversations: () =>
      this.#chats.map((chat) => this.#summary(chat)).sort((a, b) => b.lastActivity - a.lastActivity),
    messages: ({ conversation, before, limit }) => {
      const all = this.#chat(conversation).messages.filter((m) => before === null || m.order < before);
      return { messages: all.slice(-limit), more: all.length > limit };
    },
    messagesByIds: ({ conversation, ids }) =>
      this.#chat(conversation).messages.filter((message) => ids.includes(message.id)),
    sendText: ({ conversation, text }) => {
      if (text.trim() === "" || text.length > 16_000) throw appError("textInvalid");
      const chat = this.#chat(conversation);
      const message = this.#append(chat, text, true);
      this.#changed(chat, [message.id]);
      if (this.#connection.state === "online") this.#deliver(message);
      else this.#announceConnection();
      return message;
    },
    retryMessage: ({ conversation, id }) => {
      const message = this.#message(conversation, id);
      message.outgoing = "queued";
      this.#changed(this.#chat(conversation), [id]);
      if (this.#connection.state === "online") this.#deliver(message);
      return message;
    },
    deleteMessage: ({ conversation, id }) => {
      const chat = this.#chat(conversation);
      if (this.#message(conversation, id).outgoing !== "failed") throw appError("refused");
      chat.messages = chat.messages.filter((message) => message.id !== id);
      this.emit({ type: "messagesRemoved", conversation, ids: [id] });
      this.emit({ type: "conversationsChanged", keys: [conversation] });
      return null;
    },
    saveDraft: ({ conversation, text }) => {
      this.#chat(conversation).draft = text;
      this.emit({ type: "conversationsChanged", keys: [conversation] });
      return null;
    },
    markRead: ({ conversation, upTo }) => {
      const chat = this.#chat(conversation);
      chat.readUpTo = Math.max(chat.readUpTo, upTo);
      this.emit({ type: "conversationsChanged", keys: [conversation] });
      return null;
    },
    createInvite: () => {
      const url = `relevo://relay.example.org/i/${"k7Qm2xV9".repeat(9)}#a11a11a1`;
      return { url, qr: fakeQr(url), expires: this.#options.now() + 7 * 86_400_000, uses: 1 };
    },
    search: ({ query, limit }) => {
      const wanted = query.toLocaleLowerCase();
      return this.#chats
        .flatMap((chat) => chat.messages.map((message) => ({ message, conversationTitle: chat.title })))
        .filter((hit) => hit.message.text.toLocaleLowerCase().includes(wanted))
        .sort((a, b) => b.message.time - a.message.time)
        .slice(0, limit);
    },
    reconnect: () => {
      this.setOnline(true);
      return null;
    },
    saveSettings: ({ settings }) => {
      this.#settings = settings;
      return settings;
    },
    reportError: () => null,
  };

  #state(): AppState {
    const settings = this.#settings;
    switch (this.#scene) {
      case "firstRun":
        return { stage: "firstRun", keyring: { state: "available" }, settings };
      case "noKeyring":
        return { stage: "firstRun", keyring: { state: "unavailable", reason: "no service" }, settings };
      case "locked":
        return { stage: "locked", settings };
      case "keyringFailed":
        return { stage: "keyringFailed", reason: "prompt dismissed", settings };
      case "broken":
        return { stage: "broken", error: appError("database", "/home/sam/.local/share/relevo"), settings };
      case "inUse":
        return { stage: "broken", error: appError("busy", "/home/sam/.local/share/relevo"), settings };
      case "chats":
      case "empty": {
        const me = { account: ME, name: this.#name, relay: RELAY };
        return { stage: "ready", me, connection: this.#connection, settings };
      }
    }
  }

  #inspect(text: string): LinkPreview {
    const kind = /^relevo:.*contact/.test(text) ? "contact" : "invite";
    if (!text.startsWith("relevo:") || text.length < 20) throw appError("badLink");
    const other = text.includes("other.example");
    const known = text.includes("known") ? 1 : null;
    const relay = other ? "other.example.net:443" : RELAY;
    return { kind, relay, issuer: "a11a11a1", issuerShort: "a11a11a1", sameRelay: !other, known };
  }

  #summary(chat: Chat): Conversation {
    const unread = chat.messages.filter((message) => !message.mine && message.order > chat.readUpTo);
    const lastMessage = chat.messages.at(-1) ?? null;
    return {
      key: chat.key,
      title: chat.title,
      peer: chat.peer,
      established: chat.established,
      draft: chat.draft,
      unread: unread.length,
      lastMessage,
      lastActivity: lastMessage?.time ?? this.#options.now() - 3_600_000,
      firstUnread: unread[0]?.id ?? null,
    };
  }

  #append(chat: Chat, text: string, mine: boolean): Message {
    const order = (chat.messages.at(-1)?.order ?? 0) + 1;
    const line = { mine, text, minutesAgo: 0, ...(mine && { outgoing: "queued" as const }) };
    const message = toMessage(chat.key, chat.peer, order, line, this.#options.now());
    chat.messages.push(message);
    return message;
  }

  #deliver(message: Message): void {
    const chat = this.#chat(message.conversation);
    const advance = (outgoing: "sent" | "delivered") => {
      message.outgoing = outgoing;
      this.#changed(chat, [message.id]);
    };
    this.#later(3, () => advance("sent"));
    this.#later(8, () => advance("delivered"));
    const answer = answers.get(chat.key);
    if (answer && this.#options.replyMs !== null) {
      setTimeout(() => this.receive(chat.key, answer(message.text)), this.#options.replyMs);
    }
  }

  #changed(chat: Chat, ids: MessageId[]): void {
    this.emit({ type: "messagesChanged", conversation: chat.key, ids });
    this.emit({ type: "conversationsChanged", keys: [chat.key] });
  }

  #announceConnection(): void {
    const waiting = this.#chats
      .flatMap((chat) => chat.messages)
      .filter((m) => m.outgoing === "queued").length;
    this.#connection = { ...this.#connection, waiting };
    this.emit({ type: "connectionChanged", connection: this.#connection });
  }

  #chat(key: ConversationKey): Chat {
    const chat = this.#chats.find((candidate) => candidate.key === key);
    if (!chat) throw appError("notFound");
    return chat;
  }

  #message(key: ConversationKey, id: MessageId): Message {
    const message = this.#chat(key).messages.find((candidate) => candidate.id === id);
    if (!message) throw appError("notFound");
    return message;
  }

  #later(steps: number, run: () => void): void {
    setTimeout(run, this.#options.latencyMs * steps);
  }

  #wait(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
  }
}
