/** The ways into the open profile: adding, changing, removing. */
import type { Backend } from "../ipc/backend.ts";
import type { Protection, Slot, SlotKind } from "../ipc/bindings.ts";
import { CodeInput } from "./fields.svelte.ts";
import { NewPassphrase } from "./protection.svelte.ts";
import { Step } from "./step.svelte.ts";

/** A way in that is made of what the person writes. */
export type WrittenWay = "passphrase" | "recovery";

export class WaysIn {
  readonly #backend: Backend;
  readonly step = new Step();
  readonly passphrase = new NewPassphrase();
  /** The recovery code is not on this computer any more, so all of it is written. */
  readonly code: CodeInput;
  #slots = $state.raw<readonly Slot[] | null>(null);
  #writing = $state<WrittenWay | null>(null);
  #saved = $state<WrittenWay | null>(null);
  #asked = $state<SlotKind | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
    this.code = new CodeInput(backend, this.step);
  }

  get slots(): readonly Slot[] | null {
    return this.#slots;
  }
  /** Whose fields are open. */
  get writing(): WrittenWay | null {
    return this.#writing;
  }
  /** What was just saved. */
  get saved(): WrittenWay | null {
    return this.#saved;
  }

  /** Which one the person is asked about before it is removed. */
  get asked(): SlotKind | null {
    return this.#asked;
  }

  has(kind: SlotKind): boolean {
    return this.#slots?.some((slot) => slot.kind === kind) ?? false;
  }

  async load(): Promise<void> {
    await this.step.run(async () => {
      this.#slots = await this.#backend.call("slots", {});
    });
  }

  write(writing: WrittenWay | null): void {
    this.#writing = writing;
    this.#saved = null;
    this.passphrase.clear();
    this.code.clear();
    this.step.forget();
  }

  async savePassphrase(): Promise<void> {
    if (this.passphrase.problem !== null) return;
    if (await this.#add({ kind: "passphrase", passphrase: this.passphrase.first })) {
      this.write(null);
      this.#saved = "passphrase";
    }
  }

  async addKeyring(): Promise<void> {
    this.#saved = null;
    await this.#add({ kind: "keyring" });
  }

  async addCode(): Promise<void> {
    if (!this.code.isComplete) return;
    const added = await this.step.run(async () => {
      this.#slots = await this.#backend.call("addCodeSlot", { code: this.code.trimmed });
    });
    if (added) {
      this.write(null);
      this.#saved = "recovery";
    }
  }

  /** Asks whether a way in is to be removed; null: it stays. */
  ask(kind: SlotKind | null): void {
    this.#asked = kind;
    this.#saved = null;
  }

  /** Removes what was asked about. */
  async remove(): Promise<void> {
    const kind = this.#asked;
    if (kind === null) return;
    this.ask(null);
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
