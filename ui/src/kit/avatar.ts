/** Initials and colour of an avatar without a picture. */

export const HUES = 8;

const segments = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function firstGrapheme(word: string): string {
  for (const { segment } of segments.segment(word)) return segment;
  return "";
}

/** First letters of the first and the last word; words without letters do not count. */
export function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : words.slice(0, 1);
  const letters = chosen.map((word) => firstGrapheme((word ?? "").replace(/^[^\p{L}\p{N}]+/u, "")));
  return letters.join("").toLocaleUpperCase() || "?";
}

/** FNV-1a: the same seed has the same colour on every computer. */
export function hueOf(seed: string): number {
  let hash = 0x811c9dc5;
  for (const char of seed) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  // Similar seeds differ only in the high bits without this.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) % HUES;
}
