/** The safety number of one conversation, and the comparison with the other's. */
import type { Backend, Params } from "../ipc/backend.ts";
import type { Comparison, ConversationKey, SafetyNumber } from "../ipc/bindings.ts";
import { Step } from "./step.svelte.ts";

export class Safety {
  readonly conversation: ConversationKey;
  readonly #backend: Backend;
  readonly step = new Step();
  #number = $state.raw<SafetyNumber | null>(null);
  #text = $state("");
  #result = $state<Comparison | null>(null);

  constructor(backend: Backend, conversation: ConversationKey) {
    this.#backend = backend;
    this.conversation = conversation;
  }

  get number(): SafetyNumber | null {
    return this.#number;
  }
  /** What was pasted. */
  get text(): string {
    return this.#text;
  }
  get result(): Comparison | null {
    return this.#result;
  }
  get canCompare(): boolean {
    return this.#text.trim() !== "" && !this.step.busy;
  }

  async load(): Promise<void> {
    await this.step.run(() => this.#read());
  }

  write(text: string): void {
    this.#text = text;
    this.#result = null;
    this.step.forget();
  }

  async compare(): Promise<void> {
    if (this.canCompare) await this.#compare(this.#text.trim());
  }

  /** Compares with the code in a picture. */
  async comparePicture(picture: Params<"readQr">): Promise<void> {
    this.#result = null;
    let text = "";
    if (await this.step.run(async () => void (text = await this.#backend.call("readQr", picture)))) {
      await this.#compare(text);
    }
  }

  /** The person compared by eye, or takes the mark away. */
  async setVerified(verified: boolean): Promise<void> {
    const { conversation } = this;
    await this.step.run(async () => {
      await this.#backend.call("setVerified", { conversation, verified });
      this.#result = null;
      this.#text = "";
      await this.#read();
    });
  }

  async #compare(text: string): Promise<void> {
    const { conversation } = this;
    await this.step.run(async () => {
      this.#result = await this.#backend.call("compareSafetyNumber", { conversation, text });
      await this.#read();
    });
  }

  async #read(): Promise<void> {
    this.#number = await this.#backend.call("safetyNumber", { conversation: this.conversation });
  }
}
