/** RFC 4648 base32, in lower case. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** Eight letters of an account to compare by eye: its first 40 bits, as links show them too. */
export function accountLetters(account: string): string {
  let bits = 0;
  let held = 0;
  let letters = "";
  for (let index = 0; index < 10; index += 2) {
    bits = (bits << 8) | Number.parseInt(account.slice(index, index + 2), 16);
    held += 8;
    while (held >= 5) {
      held -= 5;
      letters += ALPHABET.charAt((bits >> held) & 31);
    }
    bits &= (1 << held) - 1;
  }
  return letters;
}
