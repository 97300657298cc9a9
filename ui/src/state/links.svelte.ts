/** Links between people: making one, and opening one that was received. */
import { toAppError, type Backend } from "../ipc/backend.ts";
import type { AppError, ConversationKey, LinkPreview, NewLink } from "../ipc/bindings.ts";

/** An own invite that is being shown. */
export class ShareInvite {
  readonly #backend: Backend;
  #link = $state.raw<NewLink | null>(null);
  #error = $state.raw<AppError | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get link(): NewLink | null {
    return this.#link;
  }

  get error(): AppError | null {
    return this.#error;
  }

  async make(): Promise<void> {
    this.#error = null;
    try {
      this.#link = await this.#backend.call("createInvite", {});
    } catch (thrown) {
      this.#error = toAppError(thrown);
    }
  }
}

/** A link of somebody else that is about to be opened. */
export class OpenLink {
  readonly #backend: Backend;
  #text = $state("");
  #preview = $state.raw<LinkPreview | null>(null);
  #error = $state.raw<AppError | null>(null);
  #busy = $state(false);
  #turn = 0;

  constructor(backend: Backend, text: string) {
    this.#backend = backend;
    if (text !== "") void this.write(text);
  }

  get text(): string {
    return this.#text;
  }
  get preview(): LinkPreview | null {
    return this.#preview;
  }
  get error(): AppError | null {
    return this.#error;
  }
  get busy(): boolean {
    return this.#busy;
  }
  get canOpen(): boolean {
    const preview = this.#preview;
    if (this.#busy || preview === null) return false;
    return preview.known !== null || (preview.sameRelay && preview.issuer !== null);
  }

  async write(text: string): Promise<void> {
    this.#text = text;
    this.#preview = null;
    this.#error = null;
    this.#turn += 1;
    const turn = this.#turn;
    if (text.trim() === "") return;
    try {
      const preview = await this.#backend.call("inspectLink", { text: text.trim() });
      if (turn === this.#turn) this.#preview = preview;
    } catch (thrown) {
      if (turn === this.#turn) this.#error = toAppError(thrown);
    }
  }

  /** The conversation with that person, or null when it did not work. */
  async open(): Promise<ConversationKey | null> {
    const preview = this.#preview;
    if (!preview || !this.canOpen) return null;
    if (preview.known !== null) return preview.known;
    this.#busy = true;
    this.#error = null;
    try {
      return await this.#backend.call("openContact", { link: this.#text.trim() });
    } catch (thrown) {
      this.#error = toAppError(thrown);
      return null;
    } finally {
      this.#busy = false;
    }
  }
}
