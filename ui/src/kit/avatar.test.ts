import { describe, expect, it } from "vitest";
import { hueOf, HUES, initialsOf } from "./avatar.ts";

describe("an avatar without a picture", () => {
  it("shows the first letters of the first and the last word", () => {
    expect(initialsOf("Ana María Morales")).toBe("AM");
    expect(initialsOf("ñandú")).toBe("Ñ");
    expect(initialsOf("Book club 📚")).toBe("BC");
    expect(initialsOf("يوسف حدّاد")).toBe("يح");
    expect(initialsOf("(Sam)")).toBe("S");
    expect(initialsOf("📚")).toBe("?");
  });

  it("has one of the hues, spread over similar seeds", () => {
    const hues = new Set(Array.from({ length: 64 }, (_, seed) => hueOf(seed.toString(16).padStart(8, "0"))));
    expect(hues.size).toBe(HUES);
    expect(Math.max(...hues)).toBeLessThan(HUES);
  });
});
