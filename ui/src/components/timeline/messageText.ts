/** How the text of a message is shown: folded when long, large when it is only emoji. */

export const FOLD_LINES = 40;
/** About forty lines of the widest bubble. */
const FOLD_CHARACTERS = 2600;

/** The part that is shown first, or null when all of it is. */
export function folded(text: string): string | null {
  const lines = text.split("\n");
  if (lines.length <= FOLD_LINES && text.length <= FOLD_CHARACTERS) return null;
  const start = lines.slice(0, FOLD_LINES).join("\n");
  if (start.length <= FOLD_CHARACTERS) return `${start}…`;
  const cut = start.slice(0, FOLD_CHARACTERS);
  // Not in the middle of a word, unless it is one endless word.
  const space = cut.search(/\s\S*$/u);
  const at = space > FOLD_CHARACTERS / 2 ? space : cut.length;
  // Nor between the two halves of one character.
  return `${cut.slice(0, at).replace(/[\uD800-\uDBFF]$/u, "")}…`;
}

// Written as a string because the flag is younger than the language level of the sources.
const fewEmoji = new RegExp("^\\p{RGI_Emoji}{1,3}$", "v");

export function onlyEmoji(text: string): boolean {
  return text.length < 60 && fewEmoji.test(text.trim());
}
