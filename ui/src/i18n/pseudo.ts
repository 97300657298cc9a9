/** A language for tests: every text 40 % longer and visibly accented, values untouched. */
const accented: Readonly<Record<string, string>> = {
  a: "á",
  c: "ç",
  e: "é",
  i: "í",
  n: "ñ",
  o: "ö",
  u: "ü",
  y: "ý",
};

export function pseudo(source: string): string {
  let depth = 0;
  let letters = 0;
  let text = "";
  for (const char of source) {
    if (char === "{") depth += 1;
    if (char === "}") depth -= 1;
    if (depth === 0 && char !== "}") letters += 1;
    text += depth === 0 ? (accented[char] ?? char) : char;
  }
  return `[${text}${"·".repeat(Math.ceil(letters * 0.4))}]`;
}
