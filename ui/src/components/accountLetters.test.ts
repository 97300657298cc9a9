import { expect, test } from "vitest";
import { accountLetters } from "./accountLetters.ts";

test("the letters of an account are the first 40 bits in base32", () => {
  expect(accountLetters("00".repeat(16))).toBe("aaaaaaaa");
  expect(accountLetters("ff".repeat(16))).toBe("77777777");
  // RFC 4648: "fooba" is MZXW6YTB
  expect(accountLetters(`666f6f6261${"00".repeat(11)}`)).toBe("mzxw6ytb");
});
