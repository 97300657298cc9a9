/** Who may write: accepting, declining and blocking. */
import type { Backend } from "../ipc/backend.ts";
import type { AccountId, BlockedAccount, ConversationKey } from "../ipc/bindings.ts";
import { Step } from "./step.svelte.ts";

export class People {
  readonly #backend: Backend;
  readonly #step: Step;

  /** `step` is where a failure is shown. */
  constructor(backend: Backend, step: Step) {
    this.#backend = backend;
    this.#step = step;
  }

  get busy(): boolean {
    return this.#step.busy;
  }

  accept(conversation: ConversationKey): Promise<boolean> {
    return this.#step.run(async () => void (await this.#backend.call("acceptRequest", { conversation })));
  }

  /** The request is gone afterwards. */
  decline(conversation: ConversationKey, block: boolean): Promise<boolean> {
    return this.#step.run(
      async () => void (await this.#backend.call("declineRequest", { conversation, block })),
    );
  }

  setBlocked(account: AccountId, blocked: boolean): Promise<boolean> {
    return this.#step.run(async () => void (await this.#backend.call("setBlocked", { account, blocked })));
  }
}

/** Everybody who is blocked, as a list to look through. */
export class BlockList {
  readonly #backend: Backend;
  readonly step = new Step();
  #entries = $state.raw<readonly BlockedAccount[] | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Null until it was read. */
  get entries(): readonly BlockedAccount[] | null {
    return this.#entries;
  }

  async load(): Promise<void> {
    await this.step.run(async () => {
      this.#entries = await this.#backend.call("blocked", {});
    });
  }

  async unblock(account: AccountId): Promise<void> {
    await this.step.run(async () => {
      await this.#backend.call("setBlocked", { account, blocked: false });
      this.#entries = await this.#backend.call("blocked", {});
    });
  }
}
