/** The whole window as state: which stage it is in, which chat and which dialog are open. */
import { toAppError, type Backend } from "../ipc/backend.ts";
import type { AppError, AppState, Connection, ConversationKey, Me, MessageId } from "../ipc/bindings.ts";
import { Composers, type Composer } from "./composer.svelte.ts";
import { ConnectionStatus } from "./connection.svelte.ts";
import { Conversations } from "./conversations.svelte.ts";
import { dispatch, type EventTargets } from "./dispatch.ts";
import { OpenLink, ShareInvite } from "./links.svelte.ts";
import { Search } from "./search.svelte.ts";
import { SettingsState, type Surroundings } from "./settings.svelte.ts";
import { Start } from "./start.svelte.ts";
import { Timeline } from "./timeline.svelte.ts";

export type Stage =
  | { stage: "opening" }
  | { stage: "firstRun"; start: Start }
  | { stage: "locked" }
  | { stage: "keyringFailed"; reason: string }
  | { stage: "broken"; error: AppError }
  | { stage: "ready"; me: Me };

export type Dialog =
  | { kind: "newChat" }
  | { kind: "share"; share: ShareInvite }
  | { kind: "openLink"; link: OpenLink }
  | { kind: "settings" }
  | { kind: "shortcuts" };

/** Where the window remembers which chat was open. */
const OPEN_KEY = "conversation";

export class App implements EventTargets {
  readonly #backend: Backend;
  readonly #storage: Surroundings["storage"];
  readonly settings: SettingsState;
  readonly connection = new ConnectionStatus();
  readonly conversations: Conversations;
  readonly composers: Composers;
  readonly search: Search;
  #stage = $state.raw<Stage>({ stage: "opening" });
  #error = $state.raw<AppError | null>(null);
  #busy = $state(false);
  #dialog = $state.raw<Dialog | null>(null);
  #timeline = $state.raw<Timeline | null>(null);
  /** Somebody looks at the window. */
  #attentive = true;
  /** The newest message on the screen, whether somebody looks or not. */
  #shown = Number.NEGATIVE_INFINITY;
  #link: string | null = null;

  constructor(backend: Backend, surroundings: Surroundings) {
    this.#backend = backend;
    this.#storage = surroundings.storage;
    this.settings = new SettingsState(backend, surroundings);
    this.conversations = new Conversations(backend);
    this.composers = new Composers(backend);
    this.search = new Search(backend);
  }

  get stage(): Stage {
    return this.#stage;
  }
  /** The last command of the window that failed: unlock, retry of a message, settings. */
  get error(): AppError | null {
    return this.#error;
  }
  get busy(): boolean {
    return this.#busy;
  }
  get dialog(): Dialog | null {
    return this.#dialog;
  }
  get timeline(): Timeline | null {
    return this.#timeline;
  }
  get selected(): ConversationKey | null {
    return this.#timeline?.conversation ?? null;
  }
  get composer(): Composer | null {
    const conversation = this.selected === null ? null : this.conversations.get(this.selected);
    return conversation && this.composers.of(conversation);
  }

  async start(): Promise<void> {
    await this.#guard(() => this.#backend.subscribe((event) => dispatch(event, this)));
    if (this.#error) this.#stage = { stage: "broken", error: this.#error };
    else await this.open();
  }

  /** Asks the program where things stand. Also the retry of the pages that could not go on. */
  async open(): Promise<void> {
    await this.#guard(async () => this.adopt(await this.#backend.call("open", {})));
    if (this.#stage.stage === "opening" && this.#error) {
      this.#stage = { stage: "broken", error: this.#error };
    }
  }

  async unlock(passphrase: string): Promise<void> {
    await this.#guard(async () => this.adopt(await this.#backend.call("unlock", { passphrase })));
  }

  adopt(state: AppState): void {
    this.settings.adopt(state.settings);
    switch (state.stage) {
      case "firstRun": {
        const start = new Start(this.#backend, state.keyring, (next) => this.adopt(next));
        this.#stage = { stage: "firstRun", start };
        if (this.#link !== null) start.openLink(this.#link);
        this.#link = null;
        return;
      }
      case "locked":
        this.#stage = { stage: "locked" };
        return;
      case "keyringFailed":
        this.#stage = { stage: "keyringFailed", reason: state.reason };
        return;
      case "broken":
        this.#stage = { stage: "broken", error: state.error };
        return;
      case "ready":
        this.#stage = { stage: "ready", me: state.me };
        this.connection.update(state.connection);
        this.#follow(this.#restore());
        if (this.#link !== null) this.showOpenLink(this.#link);
        this.#link = null;
        return;
      default: {
        const unknown: never = state;
        throw new Error(`unknown stage: ${JSON.stringify(unknown)}`);
      }
    }
  }

  async select(key: ConversationKey, message?: MessageId): Promise<void> {
    if (this.#stage.stage !== "ready") return;
    if (this.selected !== key) {
      this.leaveConversation();
      if (!this.conversations.get(key)) await this.conversations.refresh();
      const conversation = this.conversations.get(key);
      if (!conversation) return;
      const timeline = new Timeline(this.#backend, conversation, this.#stage.me.account);
      this.composers.of(conversation);
      this.#timeline = timeline;
      this.#storage.setItem(OPEN_KEY, String(key));
      await this.#guard(() => timeline.open());
    }
    const timeline = this.#timeline;
    if (message !== undefined && timeline) await this.#guard(() => timeline.reveal(message));
  }

  leaveConversation(): void {
    const composer = this.composer;
    this.#timeline = null;
    this.#shown = Number.NEGATIVE_INFINITY;
    this.#storage.setItem(OPEN_KEY, "");
    if (composer) this.#follow(composer.flush());
  }

  /** Everything up to this message is on the screen. It is read as soon as somebody looks. */
  markShown(order: number): void {
    this.#shown = order;
    this.#markRead();
  }

  /** The window got or lost the focus, or somebody used it. */
  setAttentive(attentive: boolean): void {
    this.#attentive = attentive;
    this.#markRead();
  }

  async send(now: number): Promise<void> {
    this.setAttentive(true);
    const composer = this.composer;
    if (composer && this.#timeline) await composer.send(this.#timeline, now);
  }

  async retryMessage(id: MessageId): Promise<void> {
    const timeline = this.#timeline;
    if (!timeline) return;
    await this.#guard(async () => {
      const params = { conversation: timeline.conversation, id };
      timeline.merge(await this.#backend.call("retryMessage", params));
    });
  }

  async deleteMessage(id: MessageId): Promise<void> {
    const timeline = this.#timeline;
    if (!timeline) return;
    await this.#guard(async () => {
      await this.#backend.call("deleteMessage", { conversation: timeline.conversation, id });
      timeline.removed([id]);
    });
  }

  async reconnect(): Promise<void> {
    await this.#guard(async () => void (await this.#backend.call("reconnect", {})));
  }

  dismissError(): void {
    this.#error = null;
  }

  showNewChat(): void {
    this.#dialog = { kind: "newChat" };
  }
  showSettings(): void {
    this.#dialog = { kind: "settings" };
  }
  showShortcuts(): void {
    this.#dialog = { kind: "shortcuts" };
  }
  showShare(): void {
    const share = new ShareInvite(this.#backend);
    void share.make();
    this.#dialog = { kind: "share", share };
  }
  showOpenLink(text: string): void {
    this.#dialog = { kind: "openLink", link: new OpenLink(this.#backend, text) };
  }
  closeDialog(): void {
    this.#dialog = null;
  }

  conversationsChanged(): void {
    if (this.#stage.stage === "ready") this.#follow(this.conversations.refresh());
  }

  messagesChanged(conversation: ConversationKey, ids: readonly MessageId[]): void {
    const timeline = this.#timeline;
    if (timeline?.conversation === conversation) this.#follow(timeline.changed(ids, this.#attentive));
  }

  messagesRemoved(conversation: ConversationKey, ids: readonly MessageId[]): void {
    if (this.#timeline?.conversation === conversation) this.#timeline.removed(ids);
  }

  searchIndexed(): void {
    this.search.refresh();
  }

  connectionChanged(connection: Connection): void {
    this.connection.update(connection);
  }

  linkOpened(text: string): void {
    if (this.#stage.stage === "firstRun") this.#stage.start.openLink(text);
    else if (this.#stage.stage === "ready") this.showOpenLink(text);
    else this.#link = text;
  }

  #markRead(): void {
    const timeline = this.#timeline;
    const upTo = this.#shown;
    if (!timeline || !this.#attentive || !timeline.see(upTo)) return;
    this.#follow(this.#backend.call("markRead", { conversation: timeline.conversation, upTo }));
  }

  /** The window may have been closed to the tray: it comes back as it was. */
  async #restore(): Promise<void> {
    const stored = this.#storage.getItem(OPEN_KEY);
    await this.conversations.refresh();
    if (stored && this.selected === null && this.conversations.get(Number(stored))) {
      await this.select(Number(stored));
    }
  }

  async #guard(step: () => Promise<void>): Promise<void> {
    this.#busy = true;
    this.#error = null;
    try {
      await step();
    } catch (thrown) {
      this.#error = toAppError(thrown);
    } finally {
      this.#busy = false;
    }
  }

  /** Work that nobody waits for: a failure is shown, not lost. */
  #follow(work: Promise<unknown>): void {
    work.catch((thrown: unknown) => {
      this.#error = toAppError(thrown);
    });
  }
}
