/** The first run: from an invite, or from the recovery code, to an account. */
import type { Backend, Params } from "../ipc/backend.ts";
import type { AppError, AppState, KeyringStatus, LinkPreview } from "../ipc/bindings.ts";
import { LinkText } from "./links.svelte.ts";
import { ProtectionForm } from "./protection.svelte.ts";
import { Restore } from "./restore.svelte.ts";
import { Step } from "./step.svelte.ts";

export type StartPage = "choices" | "invite" | "name" | "addDevice" | "restore" | "runRelay";

/** Where "back" leads from each page. */
const before: Record<StartPage, StartPage> = {
  choices: "choices",
  invite: "choices",
  name: "invite",
  addDevice: "choices",
  restore: "addDevice",
  runRelay: "choices",
};

export class Start {
  readonly #backend: Backend;
  readonly #finished: (state: AppState) => void;
  readonly #link: LinkText;
  readonly #creating = new Step();
  readonly protection: ProtectionForm;
  readonly restore: Restore;
  #page = $state<StartPage>("choices");
  name = $state("");

  constructor(backend: Backend, keyring: KeyringStatus, finished: (state: AppState) => void) {
    this.#backend = backend;
    this.#finished = finished;
    this.#link = new LinkText(backend);
    this.protection = new ProtectionForm(keyring);
    this.restore = new Restore(backend, this.protection, finished);
  }

  get page(): StartPage {
    return this.#page;
  }
  get link(): string {
    return this.#link.text;
  }
  get preview(): LinkPreview | null {
    return this.#link.preview;
  }
  get error(): AppError | null {
    return this.#link.error ?? this.#creating.error;
  }
  get busy(): boolean {
    return this.#creating.busy;
  }
  get canContinue(): boolean {
    return this.preview?.kind === "invite";
  }
  get canCreate(): boolean {
    return !this.busy && this.name.trim() !== "" && this.protection.complete;
  }

  show(page: StartPage): void {
    if (this.busy || this.restore.step.busy) return;
    this.#page = page;
    this.#creating.forget();
  }

  back(): void {
    this.show(before[this.#page]);
  }

  writeLink(text: string): Promise<void> {
    this.#creating.forget();
    return this.#link.write(text);
  }

  readPicture(picture: Params<"readQr">): Promise<void> {
    this.#creating.forget();
    return this.#link.readPicture(picture);
  }

  /** A link that the system handed to the program. */
  openLink(text: string): void {
    this.show("invite");
    void this.writeLink(text);
  }

  async create(): Promise<void> {
    if (!this.canCreate) return;
    const created = await this.#creating.run(async () => {
      const state = await this.#backend.call("createAccount", {
        link: this.link.trim(),
        name: this.name.trim(),
        protection: this.protection.chosen,
      });
      this.protection.passphrase.clear();
      this.#finished(state);
    });
    if (!created && this.error?.code === "keyring") this.protection.ask();
  }
}
