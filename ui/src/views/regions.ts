/** The large parts of the window, for the keyboard. */

const focusable =
  '[role="option"][tabindex="0"], [data-row][tabindex="0"], textarea, input, button:not(:disabled)';

/** Moves the focus to the next part that is on the screen. */
export function focusRegion(root: HTMLElement, step: 1 | -1): void {
  const regions = [...root.querySelectorAll<HTMLElement>("[data-region]")].filter(
    (region) => region.offsetParent !== null,
  );
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const start = at === -1 && step === -1 ? 0 : at;
  const next = regions.at((start + step) % regions.length);
  const target =
    next?.querySelector<HTMLElement>('[role="option"][tabindex="0"], [data-row][tabindex="0"]') ??
    next?.querySelector<HTMLElement>(focusable);
  target?.focus();
}

/** A place where a typed character already belongs to something. */
export function inTextField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null
  );
}
