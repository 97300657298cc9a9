/** What several forms ask for: the recovery code, and a folder. What goes wrong is told by the step of the form. */
import type { Backend, Params } from "../ipc/backend.ts";
import { isCompleteCode, isFromPicture } from "./recoveryCode.ts";
import type { Step } from "./step.svelte.ts";

/** The recovery code as it was written, pasted, or read from a picture. */
export class CodeInput {
  readonly #backend: Backend;
  readonly #step: Step;
  #text = $state("");

  constructor(backend: Backend, step: Step) {
    this.#backend = backend;
    this.#step = step;
  }

  get text(): string {
    return this.#text;
  }
  get trimmed(): string {
    return this.#text.trim();
  }
  get isComplete(): boolean {
    return isCompleteCode(this.#text);
  }
  /** A picture of the code also says where the relay is. */
  get isFromPicture(): boolean {
    return isFromPicture(this.#text);
  }

  write(text: string): void {
    this.#text = text;
    this.#step.forget();
  }

  async read(picture: Params<"readQr">): Promise<void> {
    await this.#step.run(async () => {
      this.#text = await this.#backend.call("readQr", picture);
    });
  }

  clear(): void {
    this.#text = "";
  }
}

/** A folder, chosen in the dialog of the system or written. */
export class FolderInput {
  readonly #backend: Backend;
  readonly #step: Step;
  #path = $state<string | null>(null);

  constructor(backend: Backend, step: Step) {
    this.#backend = backend;
    this.#step = step;
  }

  /** Whether the person is about to name one. */
  get isOpen(): boolean {
    return this.#path !== null;
  }
  get path(): string {
    return this.#path ?? "";
  }
  /** `null` as long as there is none. */
  get trimmed(): string | null {
    const path = this.path.trim();
    return path === "" ? null : path;
  }

  async choose(): Promise<void> {
    // Where the system has no such dialog, the folder can be written.
    this.#path ??= "";
    await this.#step.run(async () => {
      this.#path = (await this.#backend.call("pickFolder", {})) ?? this.#path;
    });
  }

  write(path: string): void {
    this.#path = path;
    this.#step.forget();
  }

  clear(): void {
    this.#path = null;
  }
}
