/** An account whose files nothing opens: what the person can choose. Nothing happens before. */
import type { Backend, Params } from "../ipc/backend.ts";
import type { AppState, LostFiles } from "../ipc/bindings.ts";
import { isCompleteCode } from "./recoveryCode.ts";
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
  #page = $state<LostPage>("choices");
  #folder = $state("");
  #code = $state("");

  constructor(
    backend: Backend,
    files: { what: LostFiles; keys: boolean; detail: string },
    adopt: (state: AppState) => void,
  ) {
    this.#backend = backend;
    this.#adopt = adopt;
    this.what = files.what;
    this.keys = files.keys;
    this.detail = files.detail;
  }

  get page(): LostPage {
    return this.#page;
  }
  get folder(): string {
    return this.#folder;
  }
  get code(): string {
    return this.#code;
  }
  get canRestore(): boolean {
    return !this.step.busy && isCompleteCode(this.#code) && this.#folder.trim() !== "";
  }

  show(page: LostPage): void {
    if (this.step.busy) return;
    this.#page = page;
    this.step.forget();
  }

  writeCode(code: string): void {
    this.#code = code;
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

  async retry(): Promise<void> {
    await this.#go(() => this.#backend.call("open", {}));
  }

  async restore(): Promise<void> {
    if (!this.canRestore) return;
    const params = { folder: this.#folder.trim(), code: this.#code.trim() };
    if (await this.#go(() => this.#backend.call("openWithBackup", params))) this.#code = "";
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
