/** The whole window as state: which stage it is in, which chat and which dialog are open. */
import type { Backend } from "../ipc/backend.ts";
import type {
  AppError,
  AppState,
  BackupTrouble,
  Connection,
  ConversationKey,
  Me,
  MessageId,
} from "../ipc/bindings.ts";
import { Composers, type Composer } from "./composer.svelte.ts";
import { ConnectionStatus } from "./connection.svelte.ts";
import { Conversations } from "./conversations.svelte.ts";
import { Dialogs } from "./dialogs.svelte.ts";
import { dispatch, type EventTargets } from "./dispatch.ts";
import { Entry } from "./entry.svelte.ts";
import { Lost } from "./lost.svelte.ts";
import { People } from "./people.svelte.ts";
import { RecoveryReminder } from "./recovery.svelte.ts";
import { Search } from "./search.svelte.ts";
import { SettingsState, type Surroundings } from "./settings.svelte.ts";
import { Start, type LeftLink } from "./start.svelte.ts";
import { Step } from "./step.svelte.ts";
import { Timeline } from "./timeline.svelte.ts";

export type Stage =
  | { stage: "opening" }
  | { stage: "firstRun"; start: Start }
  | { stage: "locked"; entry: Entry }
  | { stage: "lost"; lost: Lost }
  | { stage: "broken"; error: AppError }
  | { stage: "ready"; me: Me };

/** Where the window remembers which chat was open. */
const OPEN_KEY = "conversation";
/** Input is told to the program at most this often. */
const INPUT_MS = 30_000;

export class App implements EventTargets {
  readonly #backend: Backend;
  readonly #storage: Surroundings["storage"];
  readonly settings: SettingsState;
  readonly connection = new ConnectionStatus();
  readonly conversations: Conversations;
  readonly composers: Composers;
  readonly search: Search;
  readonly dialogs: Dialogs;
  readonly people: People;
  readonly reminder: RecoveryReminder;
  /** The last command of the window: retry of a message, accepting a request. */
  readonly #step = new Step();
  #stage = $state.raw<Stage>({ stage: "opening" });
  #timeline = $state.raw<Timeline | null>(null);
  /** When the program was told last that somebody used the window. */
  #used = Number.NEGATIVE_INFINITY;
  /** Somebody looks at the window. */
  #attentive = true;
  /** The newest message on the screen, whether somebody looks or not. */
  #shown = Number.NEGATIVE_INFINITY;
  #link: string | null = null;
  /** The link of the first run that the account was not made with. */
  #left: LeftLink | null = null;
  /** The person gave up on lost files and restores the account by its code. */
  #restoring = false;
  #damaged = $state(false);
  #backupTrouble = $state.raw<BackupTrouble | null>(null);
  #restarting = $state(false);

  constructor(backend: Backend, surroundings: Surroundings) {
    this.#backend = backend;
    this.#storage = surroundings.storage;
    this.settings = new SettingsState(backend, surroundings);
    this.conversations = new Conversations(backend);
    this.composers = new Composers(backend, this.conversations);
    this.search = new Search(backend);
    this.dialogs = new Dialogs(backend, () => this.#follow(this.#readAnew()));
    this.people = new People(backend, this.#step);
    this.reminder = new RecoveryReminder(surroundings.storage);
  }

  get stage(): Stage {
    return this.#stage;
  }
  get error(): AppError | null {
    return this.#step.error;
  }
  get busy(): boolean {
    return this.#step.busy;
  }
  /** The database is damaged: nothing is written any more. */
  get damaged(): boolean {
    return this.#damaged;
  }
  /** Backups that do not do what they are for. */
  get backupTrouble(): BackupTrouble | null {
    return this.#backupTrouble;
  }
  get restarting(): boolean {
    return this.#restarting;
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
    await this.#step.run(() => this.#backend.subscribe((event) => dispatch(event, this)));
    if (this.error) this.#stage = { stage: "broken", error: this.error };
    else await this.open();
  }

  /** Asks the program where things stand. Also the retry of the pages that could not go on. */
  async open(): Promise<void> {
    await this.#step.run(async () => this.adopt(await this.#backend.call("open", {})));
    if (this.#stage.stage === "opening" && this.error) this.#stage = { stage: "broken", error: this.error };
  }

  adopt(state: AppState): void {
    this.settings.adopt(state.settings);
    switch (state.stage) {
      case "firstRun": {
        const start = new Start(this.#backend, state.keyring, (next, left) => {
          this.#left = left;
          this.adopt(next);
        });
        this.#stage = { stage: "firstRun", start };
        if (this.#restoring) start.show("restore");
        this.#restoring = false;
        if (this.#link !== null) start.openLink(this.#link);
        this.#link = null;
        return;
      }
      case "lost": {
        const lost = new Lost(this.#backend, state, (next) => {
          this.#restoring = next.stage === "firstRun";
          this.adopt(next);
        });
        this.#stage = { stage: "lost", lost };
        return;
      }
      case "locked":
      case "keyringFailed": {
        const reason = state.stage === "keyringFailed" ? state.reason : null;
        const entry = new Entry(this.#backend, state.slots, reason, (next) => this.adopt(next));
        this.#stage = { stage: "locked", entry };
        return;
      }
      case "broken":
        this.#stage = { stage: "broken", error: state.error };
        return;
      case "ready":
        this.#stage = { stage: "ready", me: state.me };
        this.connection.update(state.connection);
        this.#damaged = state.damaged;
        this.#backupTrouble = state.backup;
        this.#follow(this.selected === null ? this.#restore() : this.#readAnew());
        if (state.mended) this.dialogs.mended(state.mended);
        if (this.#link !== null) this.dialogs.openLink(this.#link);
        else if (this.#left !== null)
          this.dialogs.openLink(this.#left.text, this.#left.why === "madeEarlier");
        this.#link = null;
        this.#left = null;
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
    }
    const timeline = this.#timeline;
    if (!timeline) return;
    // Also the retry of a chat that could not be read.
    if (!timeline.ready && !(await this.#step.run(() => timeline.open()))) return;
    if (message !== undefined) await this.#step.run(() => timeline.reveal(message));
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

  /** Somebody typed, pointed or scrolled here. Where the system does not tell, the program knows by this who is idle. */
  noteInput(now: number): void {
    if (this.#stage.stage !== "ready" || now - this.#used < INPUT_MS) return;
    this.#used = now;
    this.#follow(this.#backend.call("input", {}));
  }

  async send(now: number): Promise<void> {
    this.setAttentive(true);
    const composer = this.composer;
    if (composer && this.#timeline) await composer.send(this.#timeline, now);
  }

  async retryMessage(id: MessageId): Promise<void> {
    const timeline = this.#timeline;
    if (!timeline) return;
    await this.#step.run(async () => {
      const params = { conversation: timeline.conversation, id };
      timeline.merge(await this.#backend.call("retryMessage", params));
    });
  }

  async deleteMessage(id: MessageId): Promise<void> {
    const timeline = this.#timeline;
    if (!timeline) return;
    await this.#step.run(async () => {
      await this.#backend.call("deleteMessage", { conversation: timeline.conversation, id });
      await timeline.removed([id]);
    });
  }

  /** The request is gone, and with it the open chat. */
  async decline(key: ConversationKey, block: boolean): Promise<boolean> {
    const declined = await this.people.decline(key, block);
    if (declined) await this.#refreshList();
    return declined;
  }

  async reconnect(): Promise<void> {
    await this.#step.run(async () => void (await this.#backend.call("reconnect", {})));
  }

  /** Ends the program and starts it anew, which mends a damaged database. What is being written was kept before. */
  async restart(): Promise<void> {
    this.#restarting = true;
    await this.composers.flush();
    const asked = await this.#step.run(async () => void (await this.#backend.call("restart", {})));
    this.#restarting = asked;
  }

  /** The person has read how the messages were mended; it is told once. */
  async acknowledgeMended(): Promise<void> {
    this.dialogs.close();
    await this.#step.run(async () => void (await this.#backend.call("acknowledgeMended", {})));
  }

  dismissError(): void {
    this.#step.forget();
  }

  conversationsChanged(): void {
    if (this.#stage.stage === "ready") this.#follow(this.#refreshList());
  }

  messagesChanged(conversation: ConversationKey, ids: readonly MessageId[]): void {
    const timeline = this.#timeline;
    if (timeline?.conversation === conversation) this.#follow(timeline.changed(ids, this.#attentive));
  }

  messagesRemoved(conversation: ConversationKey, ids: readonly MessageId[]): void {
    const timeline = this.#timeline;
    if (timeline?.conversation === conversation) this.#follow(timeline.removed(ids));
  }

  searchIndexed(): void {
    this.search.refresh();
  }

  connectionChanged(connection: Connection): void {
    this.connection.update(connection);
  }

  backupTroubleChanged(trouble: BackupTrouble | null): void {
    this.#backupTrouble = trouble;
  }

  databaseDamaged(): void {
    this.#damaged = true;
  }

  meChanged(me: Me): void {
    if (this.#stage.stage === "ready") this.#stage = { stage: "ready", me };
  }

  /** The program starts the account again when it is asked, and says where things stand then. */
  engineFailed(): void {
    this.#follow(this.open());
  }

  linkOpened(text: string): void {
    if (this.#stage.stage === "firstRun") this.#stage.start.openLink(text);
    else if (this.#stage.stage === "ready") this.dialogs.openLink(text);
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

  /** What is shown may have changed in any place. */
  async #readAnew(): Promise<void> {
    const key = this.selected;
    await this.#refreshList();
    if (key === null || this.selected !== key) return;
    this.leaveConversation();
    await this.select(key);
  }

  /** A conversation that is gone from the list cannot stay open. */
  async #refreshList(): Promise<void> {
    await this.conversations.refresh();
    if (this.selected !== null && !this.conversations.get(this.selected)) this.leaveConversation();
  }

  /** Work that nobody waits for: a failure is shown, not lost. */
  #follow(work: Promise<unknown>): void {
    work.catch((thrown: unknown) => this.#step.fail(thrown));
  }
}
