import { fold } from "../../state/search.svelte.ts";

/** Letters kept before the match, so that it can be seen in one short line. */
const LEAD = 18;

export type Excerpt = { before: string; match: string; after: string };

/** The first place where the query occurs, in one line. Empty match: the words differ from the query. */
export function excerpt(text: string, query: string): Excerpt {
  const line = text.replace(/\s+/gu, " ").normalize("NFC");
  const characters = [...line];
  const at = [...characters.keys()].find((index) =>
    fold(characters.slice(index, index + query.length + LEAD).join("")).startsWith(fold(query.trim())),
  );
  if (at === undefined) return { before: line, match: "", after: "" };
  const end = at + [...query.trim()].length;
  const start = Math.max(0, at - LEAD);
  return {
    before: (start > 0 ? "…" : "") + characters.slice(start, at).join(""),
    match: characters.slice(at, end).join(""),
    after: characters.slice(end).join(""),
  };
}
