import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { dayTitle, listTime, preciseTime, whenWords } from "./dates.ts";
import { en, type MessageKey } from "./en.ts";
import { es } from "./es.ts";
import { format, valueNames } from "./format.ts";
import { i18n, systemLocale, t } from "./i18n.svelte.ts";
import { pseudo } from "./pseudo.ts";

const keys = Object.keys(en) as MessageKey[];

afterEach(() => i18n.use("en"));

describe("texts", () => {
  it("exist in both languages", () => {
    expect(Object.keys(es)).toEqual(keys);
    for (const key of keys) expect(es[key], key).not.toBe("");
  });

  it.each(keys)("%s wants the same values in both languages", (key) => {
    expect(valueNames(es[key])).toEqual(valueNames(en[key]));
  });

  it("are all used", () => {
    const root = fileURLToPath(new URL("..", import.meta.url));
    const source = readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(ts|svelte)$/.test(file) && !/i18n\/(en|es)(\/\w+)?\.ts$|\.test\.ts$/.test(file))
      .map((file) => readFileSync(join(root, file), "utf8"))
      .join("\n");
    expect(keys.filter((key) => !source.includes(`"${key}"`))).toEqual([]);
  });

  it("name no inner workings", () => {
    const words =
      /\b(sessions?|payload|token|error \d|sesi(ón|ones)|claves?|keys?|epochs?|épocas?|handle|slot)\b/i;
    for (const key of keys) {
      expect(en[key]).not.toMatch(words);
      expect(es[key]).not.toMatch(words);
    }
  });
});

describe("format", () => {
  it("chooses plurals by language", () => {
    expect(format("{n, plural, =0 {none} one {# day} other {# days}}", { n: 0 }, "en")).toBe("none");
    expect(format("{n, plural, =0 {none} one {# day} other {# days}}", { n: 1 }, "en")).toBe("1 day");
    expect(format("{n, plural, one {# día} other {# días}}", { n: 12_000 }, "es")).toBe("12.000 días");
    // Spanish has a third category for millions; it falls back to "other".
    expect(format("{n, plural, one {# día} other {# días}}", { n: 1_000_000 }, "es")).toContain("días");
  });

  it("isolates names from the direction of the sentence", () => {
    expect(format("Hi {name}!", { name: "يوسف" }, "en")).toBe("Hi \u2068يوسف\u2069!");
  });

  it("leaves marks inside a value alone", () => {
    expect(format("{name}", { name: "{x} #" }, "en")).toContain("{x} #");
  });
});

describe("languages", () => {
  it("come from the system, and fall back to English", () => {
    expect(systemLocale(["es-419", "en"])).toBe("es");
    expect(systemLocale(["fr-CA", "es"])).toBe("es");
    expect(systemLocale(["ja"])).toBe("en");
  });

  it("the test language is at least 40 % longer and keeps its values", () => {
    const text = en["start.sentence"];
    expect(pseudo(text).length).toBeGreaterThanOrEqual(text.length * 1.4);
    i18n.use("pseudo");
    expect(t("list.draft", { text: "abc" })).toContain("abc");
    expect(t("timeline.unread", { count: 3 })).toContain("3 new");
  });
});

describe("dates", () => {
  const now = new Date(2026, 10, 22, 17, 0).getTime();
  const day = 86_400_000;

  it("are told from near to far", () => {
    i18n.use("es");
    expect(dayTitle(now, now)).toBe("Hoy");
    expect(dayTitle(now - day, now)).toBe("Ayer");
    expect(dayTitle(now - 3 * day, now)).toBe("jueves");
    expect(dayTitle(now - 30 * day, now)).toBe("viernes, 23 de octubre");
    expect(dayTitle(now - 400 * day, now)).toBe("18 de octubre de 2025");
  });

  it("of facts are near in words and far as a date", () => {
    const plain = (time: number | null) => whenWords(time, now).replaceAll(/[\u2068\u2069]/gu, "");
    expect(plain(null)).toBe("never");
    expect(plain(now)).toMatch(/^today at 5:00\sPM$/);
    expect(plain(now - day)).toMatch(/^yesterday at 5:00\sPM$/);
    expect(plain(now - 9 * day)).toBe("November 13, 2026");
    i18n.use("es");
    expect(plain(now - day)).toBe("ayer a las 17:00");
    expect(preciseTime(now)).toMatch(/17:00:00/);
  });

  it("are short in the list", () => {
    expect(listTime(now, now)).toMatch(/^5:00\sPM$/);
    expect(listTime(now - day, now)).toBe("Yesterday");
    expect(listTime(now - 3 * day, now)).toBe("Thu");
    expect(listTime(now - 30 * day, now)).toBe("10/23/26");
  });
});
