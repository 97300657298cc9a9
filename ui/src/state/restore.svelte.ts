/** Bringing an account back on this computer by its recovery code. */
import type { Backend } from "../ipc/backend.ts";
import type { AppState } from "../ipc/bindings.ts";
import { CodeInput, FolderInput } from "./fields.svelte.ts";
import type { ProtectionForm } from "./protection.svelte.ts";
import { Step } from "./step.svelte.ts";

export class Restore {
  readonly #backend: Backend;
  readonly #finished: (state: AppState) => void;
  readonly protection: ProtectionForm;
  readonly step = new Step();
  readonly code: CodeInput;
  readonly folder: FolderInput;
  #relay = $state("");
  #name = $state("");
  #asked = $state(false);

  constructor(backend: Backend, protection: ProtectionForm, finished: (state: AppState) => void) {
    this.#backend = backend;
    this.protection = protection;
    this.#finished = finished;
    this.code = new CodeInput(backend, this.step);
    this.folder = new FolderInput(backend, this.step);
  }

  get relay(): string {
    return this.#relay;
  }
  /** Empty: the former one stays. */
  get name(): string {
    return this.#name;
  }
  /** The person was told what becomes of the other computer. */
  get asked(): boolean {
    return this.#asked;
  }
  get canRestore(): boolean {
    const relay = this.code.isFromPicture || this.#relay.trim() !== "";
    return !this.step.busy && this.code.isComplete && relay && this.protection.complete;
  }

  writeRelay(relay: string): void {
    this.#relay = relay;
    this.step.forget();
  }

  writeName(name: string): void {
    this.#name = name;
    this.step.forget();
  }

  /** Only one computer at a time has an account, so the person is asked before it moves. */
  ask(): void {
    if (this.canRestore) this.#asked = true;
  }

  giveUp(): void {
    this.#asked = false;
    this.step.forget();
  }

  async restore(): Promise<void> {
    if (!this.canRestore || !this.#asked) return;
    const name = this.#name.trim();
    const restored = await this.step.run(async () => {
      const state = await this.#backend.call("restoreAccount", {
        code: this.code.trimmed,
        relay: this.#relay.trim(),
        folder: this.folder.trimmed,
        name: name === "" ? null : name,
        protection: this.protection.chosen,
      });
      this.code.clear();
      this.protection.passphrase.clear();
      this.#finished(state);
    });
    if (!restored && this.step.error?.code === "keyring") this.protection.ask();
  }
}
