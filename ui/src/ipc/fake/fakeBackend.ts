/**
 * A program in memory that behaves like the real one: it takes time, can be
 * offline, fails on demand, and has two people who answer. It lets the window
 * run in a browser and in tests.
 */
import type { Backend, BackendEvent, CommandName, Params, Reply } from "../backend.ts";
import type { AppError, Connection, ConversationKey, Message, Presence, SystemEvent } from "../bindings.ts";
import { accountHandlers } from "./account.ts";
import { emptyChat } from "./chat.ts";
import { messageHandlers } from "./messages.ts";
import { peopleHandlers } from "./people.ts";
import { World, type FakeOptions, type Handlers } from "./world.ts";

export type { FakeOptions } from "./world.ts";

/** These talk to the relay or to a slow disk. */
const slow: ReadonlySet<CommandName> = new Set<CommandName>([
  "createAccount",
  "restoreAccount",
  "unlockWithCode",
  "backupNow",
  "rehearseBackup",
]);

export class FakeBackend implements Backend {
  readonly #world: World;
  readonly #handlers: Handlers;
  readonly #failures = new Map<CommandName, AppError[]>();
  readonly calls: { name: CommandName; params: unknown }[] = [];

  constructor(options: FakeOptions) {
    this.#world = new World(options);
    this.#handlers = {
      ...accountHandlers(this.#world),
      ...peopleHandlers(this.#world),
      ...messageHandlers(this.#world),
    };
  }

  async call<K extends CommandName>(name: K, params: Params<K>): Promise<Reply<K>> {
    this.calls.push({ name, params });
    const { latencyMs } = this.#world.options;
    await this.#wait(slow.has(name) ? latencyMs * 20 : latencyMs);
    const failure = this.#failures.get(name)?.shift();
    // The shell hands over plain objects, not instances of Error.
    if (failure) throw failure;
    return structuredClone(this.#handlers[name](params));
  }

  async subscribe(handler: (event: BackendEvent) => void): Promise<void> {
    await this.#wait(0);
    this.#world.handler = handler;
  }

  /** The next call of this command is rejected. */
  failNext(name: CommandName, error: AppError): void {
    this.#failures.set(name, [...(this.#failures.get(name) ?? []), error]);
  }

  emit(event: BackendEvent): void {
    this.#world.emit(event);
  }

  setOnline(online: boolean, cause: Connection["cause"] = "relayUnreachable"): void {
    this.#world.setOnline(online, cause);
  }

  /** A message of the other person. */
  receive(key: ConversationKey, text: string): Message {
    return this.#world.receive(key, text);
  }

  /** A line that the app writes into a chat. */
  note(key: ConversationKey, system: SystemEvent): Message {
    return this.#world.note(key, system);
  }

  /** Somebody unknown asks to write. */
  request(title: string, text: string): ConversationKey {
    const chat = { ...emptyChat(this.#world.nextKey(), title, "7e57ab1e"), standing: "request" as const };
    this.#world.chats.push(chat);
    this.#world.receive(chat.key, text);
    return chat.key;
  }

  /** The other person starts or stops writing. */
  setTyping(key: ConversationKey, typing: boolean): void {
    this.#world.chat(key).typing = typing;
    this.#world.listChanged(key);
  }

  /** The relay takes no more requests for so long; null: it takes them again. */
  hold(key: ConversationKey, minutes: number | null): void {
    this.#world.chat(key).heldUntil = minutes === null ? null : this.#world.now + minutes * 60_000;
    this.#world.listChanged(key);
  }

  setPresence(key: ConversationKey, presence: Presence | null): void {
    this.#world.chat(key).presence = presence;
    this.#world.listChanged(key);
  }

  /** Makes a text readable from its picture, as if somebody else had drawn it. */
  know(text: string): void {
    this.#world.codes.add(text);
  }

  #wait(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
  }
}
