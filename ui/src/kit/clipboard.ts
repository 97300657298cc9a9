/** The clipboard, as far as the webview allows. */

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Some webviews refuse the modern way and still allow this one. */
function copyBySelection(text: string): boolean {
  const origin = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "spoken";
  // Inside an open dialog, everything outside of it cannot be focused.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (origin instanceof HTMLElement) origin.focus();
  return done;
}

/** The first picture on the clipboard, or null when there is none or the webview does not hand it out. */
export async function readPicture(): Promise<Blob | null> {
  try {
    for (const item of await navigator.clipboard.read()) {
      const kind = item.types.find((type) => type.startsWith("image/"));
      if (kind !== undefined) return await item.getType(kind);
    }
    return null;
  } catch {
    return null;
  }
}

/** The text on the clipboard, or null when the webview does not hand it out. */
export async function readText(): Promise<string | null> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    return null;
  }
}
