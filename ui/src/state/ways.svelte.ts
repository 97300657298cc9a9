/** The ways into the open profile: adding, changing, removing. */
import type { Backend } from "../ipc/backend.ts";
import type { Protection, Slot, SlotKind } from "../ipc/bindings.ts";
import { NewPassphrase } from "./protection.svelte.ts";
import { Step } from "./step.svelte.ts";

export class WaysIn {
  readonly #backend: Backend;
  readonly step = new Step();
  readonly passphrase = new NewPassphrase();
  #slots = $state.raw<readonly Slot[] | null>(null);
  #writing = $state(false);
  #saved = $state(false);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get slots(): readonly Slot[] | null {
    return this.#slots;
  }
  /** The fields of a new passphrase are open. */
  get writing(): boolean {
    return this.#writing;
  }
  /** A passphrase was just saved. */
  get saved(): boolean {
    return this.#saved;
  }

  has(kind: SlotKind): boolean {
    return this.#slots?.some((slot) => slot.kind === kind) ?? false;
  }

  async load(): Promise<void> {
    await this.step.run(async () => {
      this.#slots = await this.#backend.call("slots", {});
    });
  }

  write(writing: boolean): void {
    this.#writing = writing;
    this.#saved = false;
    this.passphrase.clear();
    this.step.forget();
  }

  async savePassphrase(): Promise<void> {
    if (this.passphrase.problem !== null) return;
    if (await this.#add({ kind: "passphrase", passphrase: this.passphrase.first })) {
      this.write(false);
      this.#saved = true;
    }
  }

  async addKeyring(): Promise<void> {
    this.#saved = false;
    await this.#add({ kind: "keyring" });
  }

  async remove(kind: SlotKind): Promise<void> {
    this.#saved = false;
    await this.step.run(async () => {
      this.#slots = await this.#backend.call("removeSlot", { kind });
    });
  }

  #add(protection: Protection): Promise<boolean> {
    return this.step.run(async () => {
      this.#slots = await this.#backend.call("addSlot", { protection });
    });
  }
}
