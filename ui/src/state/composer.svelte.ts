/** What is being written in each conversation. */
import { SvelteMap } from "svelte/reactivity";
import { toAppError, type Backend } from "../ipc/backend.ts";
import type { AppError, Conversation, ConversationKey } from "../ipc/bindings.ts";
import type { Timeline } from "./timeline.svelte.ts";

const SAVE_AFTER_MS = 400;

export class Composer {
  readonly conversation: ConversationKey;
  readonly #backend: Backend;
  #text = $state("");
  /** What the program has; null when that is not known. */
  #saved: string | null;
  #sending = $state(false);
  #error = $state.raw<AppError | null>(null);
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(backend: Backend, conversation: ConversationKey, draft: string) {
    this.#backend = backend;
    this.conversation = conversation;
    this.#text = draft;
    this.#saved = draft;
  }

  get text(): string {
    return this.#text;
  }

  get sending(): boolean {
    return this.#sending;
  }

  get error(): AppError | null {
    return this.#error;
  }

  get canSend(): boolean {
    return !this.#sending && this.#text.trim() !== "";
  }

  write(text: string): void {
    this.#text = text;
    this.#error = null;
    this.#saveLater();
  }

  /**
   * Draws the message at once and keeps the text until the program has
   * written it, so that a rejection loses nothing.
   */
  async send(timeline: Timeline, now: number): Promise<void> {
    if (!this.canSend) return;
    const written = this.#text;
    const drawing = timeline.draw(written.trim(), now);
    this.#sending = true;
    this.#error = null;
    try {
      const message = await this.#backend.call("sendText", {
        conversation: this.conversation,
        text: written.trim(),
      });
      drawing.committed(message);
      // Only what was sent leaves the field: the person may have typed on.
      if (this.#text.startsWith(written)) this.#text = this.#text.slice(written.length);
      else this.#text = "";
    } catch (thrown) {
      drawing.rejected();
      this.#error = toAppError(thrown);
    } finally {
      this.#sending = false;
    }
    await this.flush();
  }

  /** Saves the draft now if it changed. A failed save is tried again with the next change. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const text = this.#text;
    if (this.#sending || text === this.#saved) return;
    this.#saved = text;
    try {
      await this.#backend.call("saveDraft", { conversation: this.conversation, text });
    } catch {
      this.#saved = null;
    }
  }

  #saveLater(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), SAVE_AFTER_MS);
  }
}

/** One composer per conversation, kept while the window lives. */
export class Composers {
  readonly #backend: Backend;
  readonly #all = new SvelteMap<ConversationKey, Composer>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  of(conversation: Conversation): Composer {
    const known = this.#all.get(conversation.key);
    if (known) return known;
    const composer = new Composer(this.#backend, conversation.key, conversation.draft);
    this.#all.set(conversation.key, composer);
    return composer;
  }

  draftOf(conversation: Conversation): string {
    return (this.#all.get(conversation.key)?.text ?? conversation.draft).trim();
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#all.values()].map((composer) => composer.flush()));
  }
}
