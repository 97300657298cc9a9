/** Counted facts about the messages, and the backup of them. */
import { i18n } from "../i18n/i18n.svelte.ts";
import type { Backend } from "../ipc/backend.ts";
import type { ConversationKey, ExportFormat, Health } from "../ipc/bindings.ts";
import { CodeInput, FolderInput } from "./fields.svelte.ts";
import { ShownFolder } from "./folder.svelte.ts";
import { Step } from "./step.svelte.ts";

export type HealthWork = "reading" | "starting" | "backingUp" | "testing" | "stopping" | "discarding";

export class HealthState {
  readonly #backend: Backend;
  readonly step = new Step();
  #health = $state.raw<Health | null>(null);
  #work = $state<HealthWork | null>(null);
  /** Into which the backup is to go; it waits for the recovery code where that was not given yet. */
  readonly folder: FolderInput;
  readonly code: CodeInput;
  readonly backups: ShownFolder;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.folder = new FolderInput(backend, this.step);
    this.code = new CodeInput(backend, this.step);
    this.backups = new ShownFolder(backend, "backup");
  }

  get health(): Health | null {
    return this.#health;
  }
  /** What is going on now. */
  get work(): HealthWork | null {
    return this.#work;
  }
  get busy(): boolean {
    return this.#work !== null || this.step.busy;
  }
  /** A backup that goes to another folder stays locked as it was. */
  get needsCode(): boolean {
    return this.#health === null || this.#health.backupFolder === null;
  }
  get canStart(): boolean {
    return !this.busy && this.folder.trimmed !== null && (!this.needsCode || this.code.isComplete);
  }

  /** Reads the facts, and goes on to choosing a folder. */
  async begin(): Promise<void> {
    if (await this.load()) await this.folder.choose();
  }

  load(): Promise<boolean> {
    return this.#run("reading", () => this.#backend.call("health", {}));
  }

  giveUp(): void {
    this.folder.clear();
    this.code.clear();
    this.step.forget();
  }

  async start(): Promise<void> {
    if (!this.canStart) return;
    const params = {
      folder: this.folder.trimmed,
      code: this.needsCode ? this.code.trimmed : null,
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

  async #run(work: HealthWork, ask: () => Promise<Health>): Promise<boolean> {
    if (this.busy) return false;
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
  readonly folder: FolderInput;
  readonly written: ShownFolder;
  #file = $state<string | null>(null);
  format = $state<ExportFormat>("html");

  constructor(backend: Backend, conversation: ConversationKey) {
    this.#backend = backend;
    this.conversation = conversation;
    this.folder = new FolderInput(backend, this.step);
    this.written = new ShownFolder(backend, "export");
  }

  /** Where it was written. */
  get file(): string | null {
    return this.#file;
  }

  async write(): Promise<void> {
    const folder = this.folder.trimmed;
    if (folder === null || this.step.busy) return;
    const { conversation, format } = this;
    const params = { conversation, format, language: i18n.tag, folder };
    await this.step.run(async () => {
      this.#file = await this.#backend.call("exportConversation", params);
    });
  }
}
