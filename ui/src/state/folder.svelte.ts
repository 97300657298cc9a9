/** A folder of the program, shown in the file manager of the system. */
import type { Backend } from "../ipc/backend.ts";
import type { OwnFolder } from "../ipc/bindings.ts";
import { Step } from "./step.svelte.ts";

export class ShownFolder {
  readonly #backend: Backend;
  readonly #folder: OwnFolder;
  readonly step = new Step();

  constructor(backend: Backend, folder: OwnFolder) {
    this.#backend = backend;
    this.#folder = folder;
  }

  async open(): Promise<void> {
    const folder = this.#folder;
    await this.step.run(async () => void (await this.#backend.call("openFolder", { folder })));
  }
}
