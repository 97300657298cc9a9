/** The first run: from an invite to an account. */
import { toAppError, type Backend } from "../ipc/backend.ts";
import type { AppError, AppState, KeyringStatus, LinkPreview, Protection } from "../ipc/bindings.ts";

export const PASSPHRASE_MIN = 8;

export type StartPage = "choices" | "invite" | "name" | "addDevice" | "runRelay";
export type ProtectionChoice = "passphrase" | "unprotected";

export class Start {
  readonly #backend: Backend;
  readonly #finished: (state: AppState) => void;
  #page = $state<StartPage>("choices");
  #link = $state("");
  #preview = $state.raw<LinkPreview | null>(null);
  #error = $state.raw<AppError | null>(null);
  #busy = $state(false);
  #askProtection = $state(false);
  #turn = 0;
  name = $state("");
  protection = $state<ProtectionChoice>("passphrase");
  passphrase = $state("");
  repeat = $state("");

  constructor(backend: Backend, keyring: KeyringStatus, finished: (state: AppState) => void) {
    this.#backend = backend;
    this.#finished = finished;
    this.#askProtection = keyring.state === "unavailable";
  }

  get page(): StartPage {
    return this.#page;
  }
  get link(): string {
    return this.#link;
  }
  get preview(): LinkPreview | null {
    return this.#preview;
  }
  get error(): AppError | null {
    return this.#error;
  }
  get busy(): boolean {
    return this.#busy;
  }
  /** The password store is not there, so the person has to choose. */
  get askProtection(): boolean {
    return this.#askProtection;
  }
  get canContinue(): boolean {
    return this.#preview?.kind === "invite";
  }
  get passphraseProblem(): "tooShort" | "different" | null {
    if (!this.#askProtection || this.protection !== "passphrase") return null;
    if ([...this.passphrase].length < PASSPHRASE_MIN) return "tooShort";
    return this.passphrase === this.repeat ? null : "different";
  }
  get canCreate(): boolean {
    return !this.#busy && this.name.trim() !== "" && this.passphraseProblem === null;
  }

  show(page: StartPage): void {
    if (this.#busy) return;
    this.#page = page;
    this.#error = null;
  }

  back(): void {
    this.show(this.#page === "name" ? "invite" : "choices");
  }

  /** Reads the link; nothing happens yet. The newest text wins. */
  async writeLink(text: string): Promise<void> {
    this.#link = text;
    this.#preview = null;
    this.#error = null;
    this.#turn += 1;
    const turn = this.#turn;
    if (text.trim() === "") return;
    try {
      const preview = await this.#backend.call("inspectLink", { text: text.trim() });
      if (turn === this.#turn) this.#preview = preview;
    } catch (thrown) {
      if (turn === this.#turn) this.#error = toAppError(thrown);
    }
  }

  /** A link that the system handed to the program. */
  openLink(text: string): void {
    this.show("invite");
    void this.writeLink(text);
  }

  async create(): Promise<void> {
    if (!this.canCreate) return;
    this.#busy = true;
    this.#error = null;
    try {
      const state = await this.#backend.call("createAccount", {
        link: this.#link.trim(),
        name: this.name.trim(),
        protection: this.#chosenProtection(),
      });
      this.passphrase = "";
      this.repeat = "";
      this.#finished(state);
    } catch (thrown) {
      this.#error = toAppError(thrown);
      // The store looked fine and was not: ask, rather than stop here.
      if (this.#error.code === "keyring") this.#askProtection = true;
    } finally {
      this.#busy = false;
    }
  }

  #chosenProtection(): Protection {
    if (!this.#askProtection) return { kind: "keyring" };
    return this.protection === "passphrase"
      ? { kind: "passphrase", passphrase: this.passphrase }
      : { kind: "unprotected" };
  }
}
