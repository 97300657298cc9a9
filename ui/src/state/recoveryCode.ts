/** A recovery code on its way into the window: as words, or as what its picture says. */

export const CODE_WORDS = 24;
/** How the text of a picture begins. It also says where the relay is. */
const PICTURE = "relevo:r#";

export function isFromPicture(code: string): boolean {
  return code.trim().startsWith(PICTURE);
}

/** Numbers and commas between the words do not count. */
export function countWords(code: string): number {
  return code.match(/\p{L}+/gu)?.length ?? 0;
}

export function isCompleteCode(code: string): boolean {
  return isFromPicture(code) || countWords(code) === CODE_WORDS;
}
