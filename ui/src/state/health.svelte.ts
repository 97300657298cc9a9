/** Counted facts about the messages, and the backup of them. */
import type { Backend, Params } from "../ipc/backend.ts";
import type { ConversationKey, ExportFormat, Health } from "../ipc/bindings.ts";
import { ShownFolder } from "./folder.svelte.ts";
import { isCompleteCode } from "./recoveryCode.ts";
import { Step } from "./step.svelte.ts";

export type HealthWork =
  "reading" | "choosing" | "starting" | "looking" | "backingUp" | "testing" | "stopping" | "discarding";

export class HealthState {
  readonly #backend: Backend;
  readonly step = new Step();
  #health = $state.raw<Health | null>(null);
  #work = $state<HealthWork | null>(null);
  /** A folder that is being chosen, and waits for the recovery code where that was not given yet. */
  #folder = $state<string | null>(null);
  #code = $state("");
  readonly backups: ShownFolder;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.backups = new ShownFolder(backend, "backup");
  }

  get health(): Health | null {
    return this.#health;
  }
  /** What is going on now. */
  get work(): HealthWork | null {
    return this.#work;
  }
  get folder(): string | null {
    return this.#folder;
  }
  get code(): string {
    return this.#code;
  }
  /** A backup that goes to another folder stays locked as it was. */
  get needsCode(): boolean {
    return this.#health === null || this.#health.backupFolder === null;
  }
  get canStart(): boolean {
    const folder = this.#folder?.trim() ?? "";
    return this.#work === null && folder !== "" && (!this.needsCode || isCompleteCode(this.#code));
  }

  /** Reads the facts, and goes on to choosing a folder. */
  async begin(): Promise<void> {
    if (await this.load()) await this.choose();
  }

  load(): Promise<boolean> {
    return this.#run("reading", () => this.#backend.call("health", {}));
  }

  async choose(): Promise<void> {
    await this.#run("choosing", async () => {
      // Where the system has no such dialog, the folder can be written.
      this.#folder ??= "";
      this.#folder = (await this.#backend.call("pickFolder", {})) ?? this.#folder;
      return this.#health;
    });
  }

  writeFolder(folder: string): void {
    this.#folder = folder;
    this.step.forget();
  }

  giveUp(): void {
    this.#folder = null;
    this.#code = "";
    this.step.forget();
  }

  writeCode(code: string): void {
    this.#code = code;
    this.step.forget();
  }

  async readPicture(picture: Params<"readQr">): Promise<void> {
    await this.#run("looking", async () => {
      this.#code = await this.#backend.call("readQr", picture);
      return this.#health;
    });
  }

  async start(): Promise<void> {
    if (!this.canStart) return;
    const params = {
      folder: this.#folder?.trim() ?? null,
      code: this.needsCode ? this.#code.trim() : null,
    };
    if (await this.#run("starting", () => this.#backend.call("setBackupFolder", params))) this.giveUp();
  }

  stop(): Promise<boolean> {
    const params = { folder: null, code: null };
    return this.#run("stopping", () => this.#backend.call("setBackupFolder", params));
  }

  backUp(): Promise<boolean> {
    return this.#run("backingUp", () => this.#backend.call("backupNow", {}));
  }

  test(): Promise<boolean> {
    return this.#run("testing", () => this.#backend.call("rehearseBackup", {}));
  }

  /** Deletes the damaged files that were kept. */
  discard(): Promise<boolean> {
    return this.#run("discarding", () => this.#backend.call("discardDamaged", {}));
  }

  async #run(work: HealthWork, ask: () => Promise<Health | null>): Promise<boolean> {
    if (this.#work !== null) return false;
    this.#work = work;
    const done = await this.step.run(async () => {
      this.#health = await ask();
    });
    this.#work = null;
    return done;
  }
}

/** One conversation as a file outside of the program. */
export class ExportChat {
  readonly conversation: ConversationKey;
  readonly #backend: Backend;
  readonly step = new Step();
  readonly written: ShownFolder;
  #folder = $state<string | null>(null);
  #file = $state<string | null>(null);
  format = $state<ExportFormat>("html");

  constructor(backend: Backend, conversation: ConversationKey) {
    this.#backend = backend;
    this.conversation = conversation;
    this.written = new ShownFolder(backend, "export");
  }

  get folder(): string | null {
    return this.#folder;
  }
  /** Where it was written. */
  get file(): string | null {
    return this.#file;
  }

  async choose(): Promise<void> {
    await this.step.run(async () => {
      this.#folder = (await this.#backend.call("pickFolder", {})) ?? this.#folder;
    });
  }

  async write(): Promise<void> {
    const folder = this.#folder;
    if (folder === null || this.step.busy) return;
    const { conversation, format } = this;
    await this.step.run(async () => {
      this.#file = await this.#backend.call("exportConversation", { conversation, format, folder });
    });
  }
}
