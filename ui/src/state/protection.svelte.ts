/** How this computer protects the messages: what a person chooses, and a passphrase typed twice. */
import type { KeyringStatus, Protection } from "../ipc/bindings.ts";

export const PASSPHRASE_MIN = 8;

export type ProtectionChoice = "passphrase" | "unprotected";

/** Two fields that have to agree. */
export class NewPassphrase {
  first = $state("");
  second = $state("");

  get problem(): "tooShort" | "different" | null {
    if ([...this.first].length < PASSPHRASE_MIN) return "tooShort";
    return this.first === this.second ? null : "different";
  }

  clear(): void {
    this.first = "";
    this.second = "";
  }
}

/** Asks only where the keyring cannot be used. */
export class ProtectionForm {
  readonly passphrase = new NewPassphrase();
  choice = $state<ProtectionChoice>("passphrase");
  #asked = $state(false);

  constructor(keyring: KeyringStatus) {
    this.#asked = keyring.state === "unavailable";
  }

  get asked(): boolean {
    return this.#asked;
  }

  get complete(): boolean {
    return !this.#asked || this.choice === "unprotected" || this.passphrase.problem === null;
  }

  get chosen(): Protection {
    if (!this.#asked) return { kind: "keyring" };
    return this.choice === "passphrase"
      ? { kind: "passphrase", passphrase: this.passphrase.first }
      : { kind: "unprotected" };
  }

  /** The keyring looked fine and was not: ask, rather than stop here. */
  ask(): void {
    this.#asked = true;
  }
}
