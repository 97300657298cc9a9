/** Keeps what is on the screen where it is while messages are added above or below. */

export type Anchor = { element: Element; top: number };

function rows(scroller: HTMLElement): HTMLElement[] {
  return [...scroller.querySelectorAll<HTMLElement>("[data-row]")];
}

/** The first row that is on the screen, with its distance from the top edge. */
export function findAnchor(scroller: HTMLElement): Anchor | null {
  const edge = scroller.getBoundingClientRect().top;
  for (const element of rows(scroller)) {
    const box = element.getBoundingClientRect();
    if (box.bottom > edge) return { element, top: box.top - edge };
  }
  return null;
}

export function restoreAnchor(scroller: HTMLElement, anchor: Anchor): void {
  if (!anchor.element.isConnected) return;
  const top = anchor.element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  if (Math.abs(top - anchor.top) >= 1) scroller.scrollTop += top - anchor.top;
}

export function distanceToEnd(scroller: HTMLElement): number {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
}

/** The order of the last message of which at least a line can be read. */
export function lastSeenOrder(scroller: HTMLElement): number | null {
  const edge = scroller.getBoundingClientRect().bottom;
  for (const element of rows(scroller).toReversed()) {
    const order = Number(element.dataset["order"]);
    if (element.getBoundingClientRect().top < edge - 24 && Number.isFinite(order)) return order;
  }
  return null;
}
