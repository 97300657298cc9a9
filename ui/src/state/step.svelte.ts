/** One command at a time that can fail: what every form and every page needs. */
import { toAppError } from "../ipc/backend.ts";
import type { AppError } from "../ipc/bindings.ts";

export class Step {
  #running = $state(0);
  #error = $state.raw<AppError | null>(null);

  get busy(): boolean {
    return this.#running > 0;
  }

  /** Why the last attempt failed. */
  get error(): AppError | null {
    return this.#error;
  }

  forget(): void {
    this.#error = null;
  }

  /** Whether it worked; if not, `error` says why. */
  async run(work: () => Promise<void>): Promise<boolean> {
    this.#running += 1;
    this.#error = null;
    try {
      await work();
      return true;
    } catch (thrown) {
      this.#error = toAppError(thrown);
      return false;
    } finally {
      this.#running -= 1;
    }
  }

  /** For work that nobody waits for: a failure is shown, not lost. */
  fail(thrown: unknown): void {
    this.#error = toAppError(thrown);
  }
}
