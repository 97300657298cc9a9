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

/** A link that the account was not made with, and what became of it. */
export type LeftLink = {
  text: string;
  /** Why it was not used: it came while the account was being made, or an earlier attempt had made one already. */
  why: "later" | "madeEarlier";
};

type Finished = (state: AppState, left: LeftLink | null) => void;

export class Start {
  readonly #backend: Backend;
  readonly #finished: Finished;
  readonly #link: LinkText;
  readonly #creating = new Step();
  readonly protection: ProtectionForm;
  readonly restore: Restore;
  #page = $state<StartPage>("choices");
  #left = $state<StartPage | null>(null);
  /** Came while something was under way. */
  #waiting: string | null = null;
  #replaced = $state(false);
  name = $state("");

  constructor(backend: Backend, keyring: KeyringStatus, finished: Finished) {
    this.#backend = backend;
    this.#finished = finished;
    this.#link = new LinkText(backend);
    this.protection = new ProtectionForm(keyring);
    this.restore = new Restore(backend, this.protection, (state) => finished(state, this.#takeWaiting()));
  }

  get page(): StartPage {
    return this.#page;
  }
  /** The page from which the person came back to this one. */
  get left(): StartPage | null {
    return this.#left;
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
  /** The link is a newer one than that with which no account could be made. */
  get replaced(): boolean {
    return this.#replaced;
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
    this.#left = null;
    this.#creating.forget();
  }

  back(): void {
    const left = this.#page;
    if (left === "choices") return;
    this.show(before[left]);
    if (this.#page !== left) this.#left = left;
  }

  writeLink(text: string): Promise<void> {
    this.#creating.forget();
    this.#replaced = false;
    return this.#link.write(text);
  }

  readPicture(picture: Params<"readQr">): Promise<void> {
    this.#creating.forget();
    this.#replaced = false;
    return this.#link.readPicture(picture);
  }

  /** A link that the system handed to the program. The newest counts, once what is under way has ended. */
  openLink(text: string): void {
    if (this.busy || this.restore.step.busy) {
      this.#waiting = text;
      return;
    }
    this.show("invite");
    void this.writeLink(text);
  }

  async create(): Promise<void> {
    if (!this.canCreate) return;
    const link = this.link.trim();
    const created = await this.#creating.run(async () => {
      const state = await this.#backend.call("createAccount", {
        link,
        name: this.name.trim(),
        protection: this.protection.chosen,
      });
      this.protection.passphrase.clear();
      this.#finished(state, await this.#leftOf(link));
    });
    if (created) return;
    if (this.error?.code === "keyring") this.protection.ask();
    const newer = this.#takeWaiting();
    if (newer === null) return;
    this.openLink(newer.text);
    this.#replaced = true;
  }

  /** The account is the one of an earlier attempt where its relay is not that of the link. */
  async #leftOf(link: string): Promise<LeftLink | null> {
    const waiting = this.#takeWaiting();
    if (waiting !== null) return waiting;
    // The account is there, whatever becomes of this question.
    const preview = await this.#backend.call("inspectLink", { text: link }).catch(() => null);
    return preview === null || preview.sameRelay ? null : { text: link, why: "madeEarlier" };
  }

  #takeWaiting(): LeftLink | null {
    const text = this.#waiting;
    this.#waiting = null;
    return text === null ? null : { text, why: "later" };
  }
}
