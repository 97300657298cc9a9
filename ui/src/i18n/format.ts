/**
 * The part of ICU MessageFormat that the texts use: `{name}` and
 * `{count, plural, =0 {…} one {…} other {… # …}}`. Parsed once per text.
 */
export type Values = Readonly<Record<string, string | number>>;

type Part =
  | { kind: "text"; text: string }
  | { kind: "value"; name: string }
  | { kind: "count" }
  | { kind: "plural"; name: string; cases: Map<string, Part[]> };

class Parser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parts(insidePlural: boolean): Part[] {
    const parts: Part[] = [];
    let text = "";
    const flush = () => {
      if (text !== "") parts.push({ kind: "text", text });
      text = "";
    };
    while (this.#at < this.#source.length) {
      const char = this.#source.charAt(this.#at);
      if (char === "}") break;
      this.#at += 1;
      if (char === "{") {
        flush();
        parts.push(this.#argument());
      } else if (char === "#" && insidePlural) {
        flush();
        parts.push({ kind: "count" });
      } else {
        text += char;
      }
    }
    flush();
    return parts;
  }

  #argument(): Part {
    const name = this.#word();
    if (this.#take("}")) return { kind: "value", name };
    this.#expect(",");
    if (this.#word() !== "plural") throw new Error(`only plural is known: ${this.#source}`);
    this.#expect(",");
    const cases = new Map<string, Part[]>();
    while (!this.#take("}")) {
      const selector = this.#word();
      this.#expect("{");
      cases.set(selector, this.parts(true));
      this.#expect("}");
    }
    if (!cases.has("other")) throw new Error(`plural without "other": ${this.#source}`);
    return { kind: "plural", name, cases };
  }

  #word(): string {
    const match = /^\s*([=\w]+)\s*/.exec(this.#source.slice(this.#at));
    if (match?.[1] === undefined) throw new Error(`bad text at ${this.#at}: ${this.#source}`);
    this.#at += match[0].length;
    return match[1];
  }

  #take(char: string): boolean {
    while (this.#source.charAt(this.#at) === " ") this.#at += 1;
    if (this.#source.charAt(this.#at) !== char) return false;
    this.#at += 1;
    return true;
  }

  #expect(char: string): void {
    if (!this.#take(char)) throw new Error(`"${char}" is missing at ${this.#at}: ${this.#source}`);
  }
}

const parsed = new Map<string, Part[]>();

function parse(source: string): Part[] {
  const known = parsed.get(source);
  if (known) return known;
  const parts = new Parser(source).parts(false);
  parsed.set(source, parts);
  return parts;
}

/** Names of the values that a text wants; used by the tests to compare languages. */
export function valueNames(source: string): string[] {
  const names = new Set<string>();
  const visit = (parts: Part[]) => {
    for (const part of parts) {
      if (part.kind === "value" || part.kind === "plural") names.add(part.name);
      if (part.kind === "plural") part.cases.forEach(visit);
    }
  };
  visit(parse(source));
  return [...names].sort();
}

/** Keeps a name of the other writing direction from turning the sentence around. */
function isolate(value: string): string {
  return `\u2068${value}\u2069`;
}

export function format(source: string, values: Values, locale: string): string {
  return write(parse(source), values, locale, 0);
}

function write(parts: readonly Part[], values: Values, locale: string, count: number): string {
  return parts
    .map((part): string => {
      switch (part.kind) {
        case "text":
          return part.text;
        case "count":
          return new Intl.NumberFormat(locale).format(count);
        case "value": {
          const value = values[part.name];
          return typeof value === "number"
            ? new Intl.NumberFormat(locale).format(value)
            : isolate(value ?? "");
        }
        case "plural": {
          const number = Number(values[part.name] ?? 0);
          const chosen =
            part.cases.get(`=${number}`) ??
            part.cases.get(new Intl.PluralRules(locale).select(number)) ??
            part.cases.get("other") ??
            [];
          return write(chosen, values, locale, number);
        }
      }
    })
    .join("");
}
