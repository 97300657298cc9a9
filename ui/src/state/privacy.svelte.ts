/** What others may see of this account. */
import type { Backend } from "../ipc/backend.ts";
import type { Privacy } from "../ipc/bindings.ts";
import { Step } from "./step.svelte.ts";

export class PrivacyState {
  readonly #backend: Backend;
  readonly step = new Step();
  #privacy = $state.raw<Privacy | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get privacy(): Privacy | null {
    return this.#privacy;
  }

  async load(): Promise<void> {
    await this.step.run(async () => {
      this.#privacy = await this.#backend.call("privacy", {});
    });
  }

  /** Applies at once and goes back when it cannot be saved. */
  async set(change: Partial<Privacy>): Promise<void> {
    const before = this.#privacy;
    if (!before) return;
    const privacy = { ...before, ...change };
    this.#privacy = privacy;
    const saved = await this.step.run(async () => {
      this.#privacy = await this.#backend.call("savePrivacy", { privacy });
    });
    if (!saved) this.#privacy = before;
  }
}
