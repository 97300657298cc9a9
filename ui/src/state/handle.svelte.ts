/** Short names: one's own, and finding somebody by theirs. */
import type { Backend } from "../ipc/backend.ts";
import type { ConversationKey } from "../ipc/bindings.ts";
import { Step } from "./step.svelte.ts";

/** People type it with capital letters and with an at sign; it has neither. */
export function plainHandle(text: string): string {
  return text.trim().replace(/^@/u, "").toLowerCase();
}

export class OwnHandle {
  readonly #backend: Backend;
  readonly step = new Step();
  #text = $state("");
  #outcome = $state<"saved" | "removed" | null>(null);

  constructor(backend: Backend, current: string | null) {
    this.#backend = backend;
    this.#text = current ?? "";
  }

  get text(): string {
    return this.#text;
  }
  /** What the last step did. */
  get outcome(): "saved" | "removed" | null {
    return this.#outcome;
  }

  write(text: string): void {
    this.#text = text;
    this.#outcome = null;
    this.step.forget();
  }

  async save(): Promise<void> {
    const handle = plainHandle(this.#text);
    if (handle === "" || this.step.busy) return;
    const saved = await this.step.run(async () => {
      const me = await this.#backend.call("setHandle", { handle });
      this.#text = me.handle ?? "";
    });
    if (saved) this.#outcome = "saved";
  }

  async remove(): Promise<void> {
    const removed = await this.step.run(
      async () => void (await this.#backend.call("setHandle", { handle: null })),
    );
    if (!removed) return;
    this.#text = "";
    this.#outcome = "removed";
  }
}

export class OpenHandle {
  readonly #backend: Backend;
  readonly step = new Step();
  #text = $state("");

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get text(): string {
    return this.#text;
  }
  get canOpen(): boolean {
    return !this.step.busy && plainHandle(this.#text) !== "";
  }

  write(text: string): void {
    this.#text = text;
    this.step.forget();
  }

  /** The conversation with that person, or null when it did not work. */
  async open(): Promise<ConversationKey | null> {
    if (!this.canOpen) return null;
    let key: ConversationKey | null = null;
    const handle = plainHandle(this.#text);
    await this.step.run(async () => {
      key = await this.#backend.call("openHandle", { handle });
    });
    return key;
  }
}
