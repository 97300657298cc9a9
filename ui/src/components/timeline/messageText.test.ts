import { describe, expect, it } from "vitest";
import { excerpt } from "../chatlist/excerpt.ts";
import { folded, onlyEmoji } from "./messageText.ts";

describe("a long message", () => {
  it("is folded at forty lines", () => {
    const lines = Array.from({ length: 41 }, (_, index) => `line ${index + 1}`).join("\n");
    expect(folded(lines)).toMatch(/line 40…$/);
    expect(folded("short")).toBeNull();
  });

  it("is folded at a word, and never inside of a character", () => {
    expect(folded("word ".repeat(1000))).toMatch(/word…$/);
    expect(folded("x".repeat(5000))).toHaveLength(2601);
    expect(folded(`x${"🙂".repeat(3000)}`)).toMatch(/🙂…$/u);
  });
});

describe("emoji", () => {
  it("are large when they are all there is, up to three", () => {
    expect(onlyEmoji("👍")).toBe(true);
    expect(onlyEmoji("👩‍👩‍👧🇪🇸👍🏽")).toBe(true);
    expect(onlyEmoji("👍👍👍👍")).toBe(false);
    expect(onlyEmoji("12")).toBe(false);
    expect(onlyEmoji("ok 👍")).toBe(false);
  });
});

describe("the excerpt of a found message", () => {
  it("shows the match, without accents if need be", () => {
    expect(excerpt("Nos vemos en el café de la esquina", "cafe")).toEqual({
      before: "Nos vemos en el ",
      match: "café",
      after: " de la esquina",
    });
  });

  it("cuts a long beginning", () => {
    expect(excerpt(`${"a ".repeat(50)}needle`, "needle").before).toMatch(/^….{18}$/);
  });

  it("shows the beginning when the words are elsewhere", () => {
    expect(excerpt("hello", "xyz")).toEqual({ before: "hello", match: "", after: "" });
  });
});
