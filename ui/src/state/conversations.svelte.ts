/** The list of conversations, newest activity first. */
import type { Backend } from "../ipc/backend.ts";
import type { Conversation, ConversationKey } from "../ipc/bindings.ts";

export class Conversations {
  readonly #backend: Backend;
  #all = $state.raw<readonly Conversation[]>([]);
  #loaded = $state(false);
  #refreshing: Promise<void> | null = null;
  #again = false;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get all(): readonly Conversation[] {
    return this.#all;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  get(key: ConversationKey): Conversation | null {
    return this.#all.find((conversation) => conversation.key === key) ?? null;
  }

  /** The conversation `step` rows away; from nothing, the first or the last one. */
  neighbour(key: ConversationKey | null, step: 1 | -1): ConversationKey | null {
    const at = this.#all.findIndex((conversation) => conversation.key === key);
    if (at === -1) return (step === 1 ? this.#all[0] : this.#all.at(-1))?.key ?? null;
    return this.#all[at + step]?.key ?? null;
  }

  neighbourUnread(key: ConversationKey | null, step: 1 | -1): ConversationKey | null {
    const at = this.#all.findIndex((conversation) => conversation.key === key);
    const order =
      step === 1 ? this.#all.slice(at + 1) : this.#all.slice(0, at === -1 ? undefined : at).toReversed();
    return order.find((conversation) => conversation.unread > 0)?.key ?? null;
  }

  /** Many changes at once cost one request in flight and one after it. */
  refresh(): Promise<void> {
    if (this.#refreshing) {
      this.#again = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#load().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #load(): Promise<void> {
    do {
      this.#again = false;
      this.#all = await this.#backend.call("conversations", {});
      this.#loaded = true;
    } while (this.#again);
  }
}
