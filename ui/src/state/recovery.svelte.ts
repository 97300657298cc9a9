/** Writing down the recovery code, and being reminded of it. */
import type { Backend } from "../ipc/backend.ts";
import type { Me, RecoveryCode } from "../ipc/bindings.ts";
import type { Surroundings } from "./settings.svelte.ts";
import { Step } from "./step.svelte.ts";

const LATER_KEY = "recoveryLater";
const LATER_MS = 3 * 86_400_000;

/** A quiet reminder that can be put off and comes back after some days. */
export class RecoveryReminder {
  readonly #storage: Surroundings["storage"];
  #until = $state(0);

  constructor(storage: Surroundings["storage"]) {
    this.#storage = storage;
    this.#until = Number(storage.getItem(LATER_KEY) ?? 0);
  }

  shownFor(me: Me, now: number): boolean {
    // A clock that was far ahead must not silence it for years.
    const putOff = now < this.#until && this.#until - now <= LATER_MS;
    return me.recovery === "due" && !putOff;
  }

  later(now: number): void {
    this.#until = now + LATER_MS;
    this.#storage.setItem(LATER_KEY, String(this.#until));
  }
}

export type RecoveryPage = "why" | "words" | "check" | "done";

/** From the reason to the confirmed words. */
export class Recovery {
  readonly #backend: Backend;
  readonly step = new Step();
  #page = $state<RecoveryPage>("why");
  #code = $state.raw<RecoveryCode | null>(null);
  #answers = $state.raw<readonly string[]>([]);
  #left = $state.raw<readonly string[]>([]);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get page(): RecoveryPage {
    return this.#page;
  }
  get code(): RecoveryCode | null {
    return this.#code;
  }
  get answers(): readonly string[] {
    return this.#answers;
  }
  /** Folders with damaged files, in which the words may still be. */
  get left(): readonly string[] {
    return this.#left;
  }
  get canConfirm(): boolean {
    return !this.step.busy && this.#answers.every((answer) => answer.trim() !== "");
  }

  async reveal(): Promise<void> {
    const shown = await this.step.run(async () => {
      const code = await this.#backend.call("recoveryCode", {});
      this.#code = code;
      this.#answers = code.ask.map(() => "");
    });
    if (shown) this.#page = "words";
  }

  showWords(): void {
    this.step.forget();
    this.#page = "words";
  }

  ask(): void {
    this.#page = "check";
  }

  answer(index: number, word: string): void {
    this.step.forget();
    this.#answers = this.#answers.map((answer, at) => (at === index ? word : answer));
  }

  async confirm(): Promise<void> {
    const code = this.#code;
    if (!code || !this.canConfirm) return;
    const words = code.ask.map((position, index) => ({
      position,
      word: (this.#answers[index] ?? "").trim(),
    }));
    const right = await this.step.run(async () => {
      this.#left = await this.#backend.call("confirmRecoveryCode", { words });
    });
    if (right) {
      this.#code = null;
      this.#answers = [];
      this.#page = "done";
    }
  }
}
