/** Errors of the page go to the log of the program, since nobody sees the console of a webview. */
import type { Backend } from "./ipc/backend.ts";

const LENGTH_MAX = 2000;
/** A loop of errors must not fill the log. */
const REPORTS_MAX = 50;

function describe(value: unknown): string {
  // Only errors, never other values: those could hold what somebody wrote.
  return value instanceof Error ? `${value.name}: ${value.message}\n${value.stack ?? ""}` : typeof value;
}

export function logErrors(backend: Backend): void {
  let reports = 0;
  const report = (text: string) => {
    reports += 1;
    if (reports > REPORTS_MAX) return;
    backend.call("reportError", { text: text.slice(0, LENGTH_MAX) }).catch(() => undefined);
  };
  window.addEventListener("error", (event) => report(describe(event.error)));
  window.addEventListener("unhandledrejection", (event) => report(describe(event.reason)));
  const original = console.error.bind(console);
  console.error = (...values: unknown[]) => {
    original(...values);
    report(values.map((value) => (typeof value === "string" ? value : describe(value))).join(" "));
  };
}
