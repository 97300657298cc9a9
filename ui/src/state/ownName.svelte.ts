/** The name by which others know the person, and how it is changed. */
import type { Backend } from "../ipc/backend.ts";
import { Step } from "./step.svelte.ts";

export class OwnName {
  readonly #backend: Backend;
  readonly step = new Step();
  #current = $state("");
  #text = $state("");
  #saved = $state(false);

  constructor(backend: Backend, current: string) {
    this.#backend = backend;
    this.#current = current;
    this.#text = current;
  }

  get text(): string {
    return this.#text;
  }
  /** Whether the last step changed it. */
  get saved(): boolean {
    return this.#saved;
  }
  get canSave(): boolean {
    const name = this.#text.trim();
    return !this.step.busy && name !== "" && name !== this.#current;
  }

  write(text: string): void {
    this.#text = text;
    this.#saved = false;
    this.step.forget();
  }

  async save(): Promise<void> {
    if (!this.canSave) return;
    this.#saved = await this.step.run(async () => {
      const me = await this.#backend.call("setName", { name: this.#text.trim() });
      this.#current = me.name;
      this.#text = me.name;
    });
  }
}
