/** The ways into a profile that does not open by itself. */
import type { Backend, Params } from "../ipc/backend.ts";
import type { AppState, Slot, SlotKind } from "../ipc/bindings.ts";
import { isCompleteCode } from "./recoveryCode.ts";
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
  #code = $state("");
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
  }

  get busy(): boolean {
    return this.byPassphrase.busy || this.byCode.busy || this.byKeyring.busy;
  }
  get code(): string {
    return this.#code;
  }
  get codeComplete(): boolean {
    return isCompleteCode(this.#code);
  }

  slot(kind: SlotKind): Slot | null {
    return this.slots.find((slot) => slot.kind === kind) ?? null;
  }

  writeCode(code: string): void {
    this.#code = code;
    this.byCode.forget();
  }

  async readPicture(picture: Params<"readQr">): Promise<void> {
    await this.byCode.run(async () => {
      this.#code = await this.#backend.call("readQr", picture);
    });
  }

  async unlock(): Promise<void> {
    const { passphrase } = this;
    if (passphrase === "" || this.busy) return;
    await this.byPassphrase.run(async () => this.#adopt(await this.#backend.call("unlock", { passphrase })));
  }

  async unlockWithCode(): Promise<void> {
    if (!this.codeComplete || this.busy) return;
    const code = this.#code.trim();
    await this.byCode.run(async () => this.#adopt(await this.#backend.call("unlockWithCode", { code })));
  }

  /** Asks the keyring again. */
  async retry(): Promise<void> {
    if (this.busy) return;
    await this.byKeyring.run(async () => this.#adopt(await this.#backend.call("open", {})));
  }
}
