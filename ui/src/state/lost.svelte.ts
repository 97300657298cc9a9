/** An account whose files nothing opens: what the person can choose. Nothing happens before. */
import type { Backend } from "../ipc/backend.ts";
import type { AppState, LostFiles } from "../ipc/bindings.ts";
import { CodeInput, FolderInput } from "./fields.svelte.ts";
import { Step } from "./step.svelte.ts";

export type LostPage = "choices" | "backup" | "without" | "code";

export class Lost {
  readonly #backend: Backend;
  readonly #adopt: (state: AppState) => void;
  readonly what: LostFiles;
  /** The account's keys are here: it opens without messages, or with those of a backup. */
  readonly keys: boolean;
  readonly detail: string;
  readonly step = new Step();
  readonly folder: FolderInput;
  readonly code: CodeInput;
  #page = $state<LostPage>("choices");

  constructor(
    backend: Backend,
    files: { what: LostFiles; keys: boolean; detail: string },
    adopt: (state: AppState) => void,
  ) {
    this.#backend = backend;
    this.#adopt = adopt;
    this.folder = new FolderInput(backend, this.step);
    this.code = new CodeInput(backend, this.step);
    this.what = files.what;
    this.keys = files.keys;
    this.detail = files.detail;
  }

  get page(): LostPage {
    return this.#page;
  }
  get canRestore(): boolean {
    return !this.step.busy && this.code.isComplete && this.folder.trimmed !== null;
  }

  show(page: LostPage): void {
    if (this.step.busy) return;
    this.#page = page;
    this.step.forget();
  }

  async retry(): Promise<void> {
    await this.#go(() => this.#backend.call("open", {}));
  }

  async restore(): Promise<void> {
    const folder = this.folder.trimmed;
    if (!this.canRestore || folder === null) return;
    const params = { folder, code: this.code.trimmed };
    if (await this.#go(() => this.#backend.call("openWithBackup", params))) this.code.clear();
  }

  async goOn(): Promise<void> {
    await this.#go(() => this.#backend.call("openWithoutMessages", {}));
  }

  /** Makes place for the account to be restored by its recovery code. */
  async putAside(): Promise<void> {
    await this.#go(() => this.#backend.call("putAside", {}));
  }

  async #go(ask: () => Promise<AppState>): Promise<boolean> {
    if (this.step.busy) return false;
    return this.step.run(async () => this.#adopt(await ask()));
  }
}
