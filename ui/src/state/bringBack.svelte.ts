/** Bringing back what a backup has and this computer lost. */
import type { Backend } from "../ipc/backend.ts";
import type { BroughtBack } from "../ipc/bindings.ts";
import { CodeInput, FolderInput } from "./fields.svelte.ts";
import { Step } from "./step.svelte.ts";

export class BringBack {
  readonly #backend: Backend;
  readonly #onchange: () => void;
  readonly step = new Step();
  readonly folder: FolderInput;
  readonly code: CodeInput;
  #done = $state.raw<BroughtBack | null>(null);

  /** `onchange` is called when there are messages that were not there before. */
  constructor(backend: Backend, onchange: () => void) {
    this.#backend = backend;
    this.#onchange = onchange;
    this.folder = new FolderInput(backend, this.step);
    this.code = new CodeInput(backend, this.step);
  }

  /** What came back the last time. */
  get done(): BroughtBack | null {
    return this.#done;
  }

  /** The folder into which this computer backs up is open without the code. */
  needsCode(ownFolder: string | null): boolean {
    return this.folder.trimmed !== ownFolder || ownFolder === null;
  }

  canBring(ownFolder: string | null): boolean {
    const open = !this.needsCode(ownFolder) || this.code.isComplete;
    return !this.step.busy && this.folder.trimmed !== null && open;
  }

  async choose(): Promise<void> {
    this.#done = null;
    await this.folder.choose();
  }

  giveUp(): void {
    this.folder.clear();
    this.code.clear();
    this.step.forget();
  }

  async bring(ownFolder: string | null): Promise<void> {
    const folder = this.folder.trimmed;
    if (folder === null || !this.canBring(ownFolder)) return;
    const code = this.needsCode(ownFolder) ? this.code.trimmed : null;
    const brought = await this.step.run(async () => {
      this.#done = await this.#backend.call("bringBack", { folder, code });
    });
    if (!brought) return;
    this.giveUp();
    if (this.#done && this.#done.messages > 0) this.#onchange();
  }
}
