/** The language in use. Reading a text inside a component follows a change of language. */
import { en, type MessageKey } from "./en.ts";
import { es } from "./es.ts";
import { format, type Values } from "./format.ts";
import { pseudo } from "./pseudo.ts";

export type Locale = "en" | "es" | "pseudo";

class I18n {
  #locale = $state<Locale>("en");

  get locale(): Locale {
    return this.#locale;
  }

  /** A tag that `Intl` understands. */
  get tag(): "en" | "es" {
    return this.#locale === "es" ? "es" : "en";
  }

  use(locale: Locale): void {
    this.#locale = locale;
  }

  text(key: MessageKey, values: Values = {}): string {
    if (this.#locale === "pseudo") return format(pseudo(en[key]), values, "en");
    return format(this.#locale === "es" ? es[key] : en[key], values, this.#locale);
  }
}

export const i18n = new I18n();

export function t(key: MessageKey, values?: Values): string {
  return i18n.text(key, values);
}

/** The first language of the system that we speak; English when there is none. */
export function systemLocale(languages: readonly string[]): Locale {
  for (const language of languages) {
    const base = language.toLowerCase().split("-")[0];
    if (base === "es" || base === "en") return base;
  }
  return "en";
}
