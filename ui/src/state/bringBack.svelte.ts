/** Bringing back what a backup has and this computer lost. */
import type { Backend, Params } from "../ipc/backend.ts";
import type { BroughtBack } from "../ipc/bindings.ts";
import { isCompleteCode } from "./recoveryCode.ts";
import { Step } from "./step.svelte.ts";

export class BringBack {
  readonly #backend: Backend;
  readonly #onchange: () => void;
  readonly step = new Step();
  #folder = $state<string | null>(null);
  #code = $state("");
  #done = $state.raw<BroughtBack | null>(null);

  /** `onchange` is called when there are messages that were not there before. */
  constructor(backend: Backend, onchange: () => void) {
    this.#backend = backend;
    this.#onchange = onchange;
  }

  get folder(): string | null {
    return this.#folder;
  }
  get code(): string {
    return this.#code;
  }
  /** What came back the last time. */
  get done(): BroughtBack | null {
    return this.#done;
  }

  /** The folder into which this computer backs up is open without the code. */
  needsCode(ownFolder: string | null): boolean {
    return this.#folder?.trim() !== ownFolder;
  }

  canBring(ownFolder: string | null): boolean {
    const open = !this.needsCode(ownFolder) || isCompleteCode(this.#code);
    return !this.step.busy && this.#folder !== null && this.#folder.trim() !== "" && open;
  }

  async choose(): Promise<void> {
    this.#done = null;
    // Where the system has no such dialog, the folder can be written.
    this.#folder ??= "";
    await this.step.run(async () => {
      this.#folder = (await this.#backend.call("pickFolder", {})) ?? this.#folder;
    });
  }

  writeFolder(folder: string): void {
    this.#folder = folder;
    this.step.forget();
  }

  writeCode(code: string): void {
    this.#code = code;
    this.step.forget();
  }

  async readPicture(picture: Params<"readQr">): Promise<void> {
    await this.step.run(async () => {
      this.#code = await this.#backend.call("readQr", picture);
    });
  }

  giveUp(): void {
    this.#folder = null;
    this.#code = "";
    this.step.forget();
  }

  async bring(ownFolder: string | null): Promise<void> {
    const folder = this.#folder?.trim() ?? null;
    if (folder === null || !this.canBring(ownFolder)) return;
    const code = this.needsCode(ownFolder) ? this.#code.trim() : null;
    const brought = await this.step.run(async () => {
      this.#done = await this.#backend.call("bringBack", { folder, code });
    });
    if (!brought) return;
    this.giveUp();
    if (this.#done && this.#done.messages > 0) this.#onchange();
  }
}
