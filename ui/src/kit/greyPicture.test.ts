import { describe, expect, it } from "vitest";
import { base64, firstPicture, greyOf, greyPicture } from "./greyPicture.ts";

describe("a picture of a code", () => {
  it("becomes one grey byte for each pixel", () => {
    const pixels = new Uint8ClampedArray([0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 255, 0, 0, 255, 255]);
    expect([...greyOf(pixels)]).toEqual([0, 255, 76, 29]);
  });

  it("is written in base64, however long it is", () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => at % 256);
    expect(Buffer.from(base64(bytes), "base64").equals(Buffer.from(bytes))).toBe(true);
  });

  it("is refused before it is opened when it is no picture, a drawing with markup, or huge", async () => {
    expect(await greyPicture(new Blob(["hello"], { type: "text/plain" }))).toBeNull();
    expect(await greyPicture(new Blob(["<svg/>"], { type: "image/svg+xml" }))).toBeNull();
    const huge = new Blob([new Uint8Array(33 * 1024 * 1024)], { type: "image/png" });
    expect(await greyPicture(huge)).toBeNull();
  });

  it("is found among other files", () => {
    const png = new File([], "code.png", { type: "image/png" });
    expect(firstPicture([new File([], "a.txt", { type: "text/plain" }), png])).toBe(png);
    expect(firstPicture([])).toBeNull();
  });
});
