/** What is being written in each conversation. */
import { SvelteMap } from "svelte/reactivity";
import { toAppError, type Backend } from "../ipc/backend.ts";
import type { AppError, Conversation, ConversationKey } from "../ipc/bindings.ts";
import type { Conversations } from "./conversations.svelte.ts";
import type { Timeline } from "./timeline.svelte.ts";

const SAVE_AFTER_MS = 400;
/** The other is told at most this often that one is typing. */
export const TYPING_EVERY_MS = 3000;

/** Only what was sent leaves the field: the person may have typed on, or begun something else. */
function unsent(text: string, sent: string): string {
  if (text.startsWith(sent)) return text.slice(sent.length);
  return text.trim() === sent.trim() ? "" : text;
}

export class Composer {
  readonly conversation: ConversationKey;
  readonly #backend: Backend;
  readonly #conversations: Conversations;
  #text = $state("");
  /** What the program has; null when that is not known. */
  #saved: string | null;
  #sending = $state(false);
  #error = $state.raw<AppError | null>(null);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #typing: ReturnType<typeof setTimeout> | null = null;

  constructor(backend: Backend, conversations: Conversations, conversation: Conversation) {
    this.#backend = backend;
    this.#conversations = conversations;
    this.conversation = conversation.key;
    this.#text = conversation.draft;
    this.#saved = conversation.draft;
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
    return !this.#sending && this.textsLeft !== 0 && this.#text.trim() !== "";
  }

  /** How many texts may still be written before the other accepts; null: any number. */
  get textsLeft(): number | null {
    return this.#conversations.get(this.conversation)?.textsLeft ?? null;
  }

  write(text: string): void {
    this.#text = text;
    this.#error = null;
    this.#saveLater();
    this.#announce();
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
      this.#text = unsent(this.#text, written);
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

  /** Only to people who accepted; the program asks the settings. A lost one is no loss. */
  #announce(): void {
    const { conversation } = this;
    const open = this.#conversations.get(conversation)?.standing === "open";
    if (!open || this.#typing !== null || this.#text.trim() === "") return;
    this.#typing = setTimeout(() => (this.#typing = null), TYPING_EVERY_MS);
    this.#backend.call("typing", { conversation }).catch(() => undefined);
  }

  #saveLater(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), SAVE_AFTER_MS);
  }
}

/** One composer per conversation, kept while the window lives. */
export class Composers {
  readonly #backend: Backend;
  readonly #conversations: Conversations;
  readonly #all = new SvelteMap<ConversationKey, Composer>();

  constructor(backend: Backend, conversations: Conversations) {
    this.#backend = backend;
    this.#conversations = conversations;
  }

  of(conversation: Conversation): Composer {
    const known = this.#all.get(conversation.key);
    if (known) return known;
    const composer = new Composer(this.#backend, this.#conversations, conversation);
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
