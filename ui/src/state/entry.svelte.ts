/** The ways into a profile that does not open by itself. */
import type { Backend } from "../ipc/backend.ts";
import type { AppState, Slot, SlotKind } from "../ipc/bindings.ts";
import { CodeInput } from "./fields.svelte.ts";
import { Step } from "./step.svelte.ts";

export class Entry {
  readonly #backend: Backend;
  readonly #adopt: (state: AppState) => void;
  readonly slots: readonly Slot[];
  /** What the keyring said, for the details. */
  readonly reason: string | null;
  readonly byPassphrase = new Step();
  readonly byCode = new Step();
  readonly byKeyring = new Step();
  readonly code: CodeInput;
  passphrase = $state("");

  constructor(
    backend: Backend,
    slots: readonly Slot[],
    reason: string | null,
    adopt: (state: AppState) => void,
  ) {
    this.#backend = backend;
    this.slots = slots;
    this.reason = reason;
    this.#adopt = adopt;
    this.code = new CodeInput(backend, this.byCode);
  }

  get busy(): boolean {
    return this.byPassphrase.busy || this.byCode.busy || this.byKeyring.busy;
  }

  slot(kind: SlotKind): Slot | null {
    return this.slots.find((slot) => slot.kind === kind) ?? null;
  }

  async unlock(): Promise<void> {
    const { passphrase } = this;
    if (passphrase === "" || this.busy) return;
    await this.byPassphrase.run(async () => this.#adopt(await this.#backend.call("unlock", { passphrase })));
  }

  async unlockWithCode(): Promise<void> {
    if (!this.code.isComplete || this.busy) return;
    const code = this.code.trimmed;
    await this.byCode.run(async () => this.#adopt(await this.#backend.call("unlockWithCode", { code })));
  }

  /** Asks the keyring again. */
  async retry(): Promise<void> {
    if (this.busy) return;
    await this.byKeyring.run(async () => this.#adopt(await this.#backend.call("open", {})));
  }
}
