/** Bringing an account back on this computer by its recovery code. */
import type { Backend, Params } from "../ipc/backend.ts";
import type { AppState } from "../ipc/bindings.ts";
import type { ProtectionForm } from "./protection.svelte.ts";
import { isCompleteCode, isFromPicture } from "./recoveryCode.ts";
import { Step } from "./step.svelte.ts";

export class Restore {
  readonly #backend: Backend;
  readonly #finished: (state: AppState) => void;
  readonly protection: ProtectionForm;
  readonly step = new Step();
  #code = $state("");
  #relay = $state("");
  #folder = $state("");
  #name = $state("");
  #asked = $state(false);

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
  /** Empty: the former one stays. */
  get name(): string {
    return this.#name;
  }
  /** The person was told what becomes of the other computer. */
  get asked(): boolean {
    return this.#asked;
  }
  /** A picture of the code also says where the relay is. */
  get knowsRelay(): boolean {
    return isFromPicture(this.#code);
  }
  get canRestore(): boolean {
    const relay = this.knowsRelay || this.#relay.trim() !== "";
    return !this.step.busy && isCompleteCode(this.#code) && relay && this.protection.complete;
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

  writeName(name: string): void {
    this.#name = name;
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
    const folder = this.#folder.trim();
    const name = this.#name.trim();
    const restored = await this.step.run(async () => {
      const state = await this.#backend.call("restoreAccount", {
        code: this.#code.trim(),
        relay: this.#relay.trim(),
        folder: folder === "" ? null : folder,
        name: name === "" ? null : name,
        protection: this.protection.chosen,
      });
      this.#code = "";
      this.protection.passphrase.clear();
      this.#finished(state);
    });
    if (!restored && this.step.error?.code === "keyring") this.protection.ask();
  }
}
