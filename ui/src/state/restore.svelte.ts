/** Bringing an account back on this computer by its recovery code. */
import type { Backend, Params } from "../ipc/backend.ts";
import type { AppState } from "../ipc/bindings.ts";
import type { ProtectionForm } from "./protection.svelte.ts";
import { Step } from "./step.svelte.ts";

export const CODE_WORDS = 24;

export function countWords(code: string): number {
  return code.split(/\s+/u).filter((word) => word !== "").length;
}

export class Restore {
  readonly #backend: Backend;
  readonly #finished: (state: AppState) => void;
  readonly protection: ProtectionForm;
  readonly step = new Step();
  #code = $state("");
  #relay = $state("");
  #folder = $state("");
  name = $state("");

  constructor(backend: Backend, protection: ProtectionForm, finished: (state: AppState) => void) {
    this.#backend = backend;
    this.protection = protection;
    this.#finished = finished;
  }

  get code(): string {
    return this.#code;
  }
  get relay(): string {
    return this.#relay;
  }
  get folder(): string {
    return this.#folder;
  }
  get words(): number {
    return countWords(this.#code);
  }
  get canRestore(): boolean {
    return (
      !this.step.busy && this.words === CODE_WORDS && this.#relay.trim() !== "" && this.protection.complete
    );
  }

  writeCode(code: string): void {
    this.#code = code;
    this.step.forget();
  }

  writeRelay(relay: string): void {
    this.#relay = relay;
    this.step.forget();
  }

  writeFolder(folder: string): void {
    this.#folder = folder;
    this.step.forget();
  }

  async readPicture(picture: Params<"readQr">): Promise<void> {
    await this.step.run(async () => {
      this.#code = await this.#backend.call("readQr", picture);
    });
  }

  async chooseFolder(): Promise<void> {
    await this.step.run(async () => {
      this.#folder = (await this.#backend.call("pickFolder", {})) ?? this.#folder;
    });
  }

  async restore(): Promise<void> {
    if (!this.canRestore) return;
    const folder = this.#folder.trim();
    const restored = await this.step.run(async () => {
      const state = await this.#backend.call("restoreAccount", {
        code: this.#code.trim(),
        relay: this.#relay.trim(),
        folder: folder === "" ? null : folder,
        name: this.name.trim(),
        protection: this.protection.chosen,
      });
      this.#code = "";
      this.protection.passphrase.clear();
      this.#finished(state);
    });
    if (!restored && this.step.error?.code === "keyring") this.protection.ask();
  }
}
