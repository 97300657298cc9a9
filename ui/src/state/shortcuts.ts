/** Keys to actions, without any knowledge of the page. */
export type Shortcut =
  | { action: "search" }
  | { action: "newChat" }
  | { action: "settings" }
  | { action: "help" }
  | { action: "step"; step: 1 | -1; unread: boolean }
  | { action: "position"; index: number }
  | { action: "toEnd" }
  | { action: "zoom"; change: 1 | -1 | 0 }
  | { action: "region"; step: 1 | -1 }
  | { action: "leave" };

export type Key = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

export function shortcutFor(event: Key, mac: boolean): Shortcut | null {
  const command = mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.key === "Escape" && plain) return { action: "leave" };
  if (event.key === "F6" && plain) return { action: "region", step: event.shiftKey ? -1 : 1 };
  if (event.key === "Tab" && event.ctrlKey && !event.altKey && !event.metaKey) {
    return { action: "step", step: event.shiftKey ? -1 : 1, unread: false };
  }
  if (event.altKey && !event.ctrlKey && !event.metaKey) {
    if (event.key === "ArrowUp") return { action: "step", step: -1, unread: event.shiftKey };
    if (event.key === "ArrowDown") return { action: "step", step: 1, unread: event.shiftKey };
    return null;
  }
  // Ctrl+Alt is how AltGr arrives on some systems: those characters must stay typeable.
  if (!command || event.altKey) return null;
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
  if (digit !== undefined && !event.shiftKey) return { action: "position", index: Number(digit) - 1 };
  switch (event.key) {
    case "k":
    case "K":
      return { action: "search" };
    case "f":
    case "F":
      return event.shiftKey ? { action: "search" } : null;
    case "n":
    case "N":
      return { action: "newChat" };
    case ",":
      return { action: "settings" };
    case "/":
      return { action: "help" };
    case "End":
      return { action: "toEnd" };
    case "+":
    case "=":
      return { action: "zoom", change: 1 };
    case "-":
    case "_":
      return { action: "zoom", change: -1 };
    case "0":
      return { action: "zoom", change: 0 };
    default:
      return null;
  }
}

/** A key that would put a character into a text field. */
export function types(event: Key, altGraph: boolean): boolean {
  if ([...event.key].length !== 1 || event.key === " ") return false;
  return altGraph || (!event.ctrlKey && !event.metaKey && !event.altKey);
}
