/** What the person says of themselves: a form that is applied as a whole. */
import type { Backend } from "../ipc/backend.ts";
import type { OwnPresence } from "../ipc/bindings.ts";
import { Step } from "./step.svelte.ts";

export type Choice = "available" | "doNotDisturb" | "invisible";
/** How long something lasts; "kept": as long as it was to last before. */
export type Span = "kept" | "open" | "halfHour" | "hour" | "morning" | "today";

/** As the program counts. */
export const LONGEST_TEXT = 100;
const MINUTE_MS = 60_000;
const MORNING = 8;

export function choiceOf(presence: OwnPresence): Choice {
  if (!presence.announced) return "invisible";
  return presence.doNotDisturb ? "doNotDisturb" : "available";
}

/** The next time that it is so late, by the calendar. */
function nextAt(hour: number, now: number): number {
  const today = new Date(now).setHours(hour, 0, 0, 0);
  if (today > now) return today;
  const tomorrow = new Date(now);
  tomorrow.setDate(tomorrow.getDate() + 1);
  return tomorrow.setHours(hour, 0, 0, 0);
}

/** Whole minutes, at least one; null: until it is changed. */
export function minutesOf(span: Span, until: number | null, now: number): number | null {
  const left = (time: number) => Math.max(1, Math.ceil((time - now) / MINUTE_MS));
  switch (span) {
    case "open":
      return null;
    case "halfHour":
      return 30;
    case "hour":
      return 60;
    case "morning":
      return left(nextAt(MORNING, now));
    case "today":
      return left(nextAt(0, now));
    case "kept":
      return until === null ? null : left(until);
    default: {
      const unknown: never = span;
      throw new Error(`unknown span: ${JSON.stringify(unknown)}`);
    }
  }
}

export class OwnStatus {
  readonly #backend: Backend;
  readonly #before: OwnPresence;
  readonly step = new Step();
  #choice = $state<Choice>("available");
  #text = $state("");
  #span = $state<Span>("open");
  #textSpan = $state<Span>("open");

  constructor(backend: Backend, presence: OwnPresence) {
    this.#backend = backend;
    this.#before = presence;
    this.#choice = choiceOf(presence);
    this.#text = presence.text?.text ?? "";
    if (this.quietUntil !== null) this.#span = "kept";
    if (this.textUntil !== null) this.#textSpan = "kept";
  }

  get choice(): Choice {
    return this.#choice;
  }
  get text(): string {
    return this.#text;
  }
  get span(): Span {
    return this.#span;
  }
  get textSpan(): Span {
    return this.#textSpan;
  }
  /** When what holds now ends. */
  get quietUntil(): number | null {
    return this.#before.doNotDisturb?.until ?? null;
  }
  get textUntil(): number | null {
    return this.#before.text?.until ?? null;
  }
  get tooLong(): boolean {
    return [...this.#text.trim().normalize("NFC")].length > LONGEST_TEXT;
  }

  choose(choice: Choice): void {
    this.#choice = choice;
  }

  write(text: string): void {
    this.#text = text;
    this.step.forget();
  }

  last(span: Span): void {
    this.#span = span;
  }

  lastText(span: Span): void {
    this.#textSpan = span;
  }

  /** Whether all of it was taken. */
  async save(now: number): Promise<boolean> {
    if (this.step.busy || this.tooLong) return false;
    return this.step.run(async () => {
      await this.#saveText(now);
      await this.#saveQuiet(now);
      await this.#saveAnnounced();
    });
  }

  async #saveText(now: number): Promise<void> {
    const text = this.#text.trim();
    const same = text === (this.#before.text?.text ?? "");
    if (same && (text === "" || this.#textSpan === (this.textUntil === null ? "open" : "kept"))) return;
    const minutes = text === "" ? null : minutesOf(this.#textSpan, this.textUntil, now);
    await this.#backend.call("setStatusText", { text, minutes });
  }

  /** Whoever hides says nothing: what was said before holds again afterwards. */
  async #saveQuiet(now: number): Promise<void> {
    if (this.#choice === "invisible") return;
    const on = this.#choice === "doNotDisturb";
    const same = on === (this.#before.doNotDisturb !== null);
    if (same && (!on || this.#span === (this.quietUntil === null ? "open" : "kept"))) return;
    const minutes = on ? minutesOf(this.#span, this.quietUntil, now) : null;
    await this.#backend.call("setDoNotDisturb", { on, minutes });
  }

  async #saveAnnounced(): Promise<void> {
    const announce = this.#choice !== "invisible";
    if (announce === this.#before.announced) return;
    const privacy = await this.#backend.call("privacy", {});
    await this.#backend.call("savePrivacy", { privacy: { ...privacy, announce } });
  }
}
