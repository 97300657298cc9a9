/** The search field over the list: chats by name, messages by text. */
import type { Backend } from "../ipc/backend.ts";
import type { Conversation, SearchHit } from "../ipc/bindings.ts";

const WAIT_MS = 120;
const LIMIT = 50;

/** Lower case and without accents, so that "jose" finds "José". */
export function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}

export class Search {
  readonly #backend: Backend;
  #query = $state("");
  #hits = $state.raw<readonly SearchHit[]>([]);
  #running = $state(false);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #turn = 0;
  /** A request of this turn is in flight. */
  #asking = false;
  #again = false;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get query(): string {
    return this.#query;
  }

  get active(): boolean {
    return this.#query.trim() !== "";
  }

  get hits(): readonly SearchHit[] {
    return this.#hits;
  }

  get running(): boolean {
    return this.#running;
  }

  matching(conversations: readonly Conversation[]): readonly Conversation[] {
    const wanted = fold(this.#query.trim());
    return conversations.filter((conversation) => fold(conversation.title).includes(wanted));
  }

  write(query: string): void {
    this.#query = query;
    this.#turn += 1;
    this.#asking = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.active) {
      this.#hits = [];
      this.#running = false;
      return;
    }
    this.#running = true;
    this.#askSoon();
  }

  clear(): void {
    this.write("");
  }

  /** More messages can be found now. News that come fast cost one request in flight and one after it. */
  refresh(): void {
    // A request that is about to start finds them anyway.
    if (!this.active || this.#timer !== null) return;
    if (this.#asking) this.#again = true;
    else this.#askSoon();
  }

  #askSoon(): void {
    const turn = this.#turn;
    this.#timer = setTimeout(() => void this.#ask(turn), WAIT_MS);
  }

  async #ask(turn: number): Promise<void> {
    this.#timer = null;
    this.#asking = true;
    this.#again = false;
    let hits: SearchHit[] = [];
    try {
      hits = await this.#backend.call("search", { query: this.#query.trim(), limit: LIMIT });
    } catch {
      // An empty answer is shown as "nothing found"; the next letter asks again.
    }
    if (turn !== this.#turn) return;
    this.#hits = hits;
    this.#running = false;
    this.#asking = false;
    if (this.#again) this.#askSoon();
  }
}
