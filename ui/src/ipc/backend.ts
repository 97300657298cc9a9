/**
 * The one door between the window and the program behind it.
 *
 * Two implementations exist: `tauri.ts` talks to the desktop shell, `fake/`
 * keeps everything in memory so that the window also runs in a browser and
 * in tests.
 */
import type { AppError, Commands, Event, ErrorCode } from "./bindings.ts";

export type CommandName = keyof Commands;
export type Params<K extends CommandName> = Commands[K]["params"];
export type Reply<K extends CommandName> = Commands[K]["reply"];
/** Renamed because the browser has an `Event` of its own. */
export type BackendEvent = Event;

export interface Backend {
  /** Runs one command. Rejects with an `AppError`; see `toAppError`. */
  call<K extends CommandName>(name: K, params: Params<K>): Promise<Reply<K>>;
  /** Sends every event, in order, to the one handler. */
  subscribe(handler: (event: BackendEvent) => void): Promise<void>;
}

function isAppError(value: unknown): value is AppError {
  return typeof value === "object" && value !== null && "code" in value && typeof value.code === "string";
}

/** Whatever was thrown, as an error that has words. */
export function toAppError(thrown: unknown): AppError {
  if (isAppError(thrown)) return { code: thrown.code, detail: thrown.detail ?? null };
  return { code: "internal", detail: thrown instanceof Error ? thrown.message : String(thrown) };
}

export function appError(code: ErrorCode, detail: string | null = null): AppError {
  return { code, detail };
}
