/**
 * Pictures that look like QR codes. They hold no text: the fake remembers
 * which texts it drew and knows their pictures again. The real program makes
 * and reads real codes.
 */
const SIZE = 33;
const BORDER = 2;
const BOX = SIZE + 2 * BORDER;

/** Whether each square is dark, row by row. */
function squares(text: string): boolean[] {
  let seed = 7;
  for (const char of text) seed = (seed * 31 + (char.codePointAt(0) ?? 0)) % 2_147_483_647;
  return Array.from({ length: SIZE * SIZE }, (_, at) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return corner(at % SIZE, Math.floor(at / SIZE)) ?? seed % 2 === 0;
  });
}

export function fakeQr(text: string): string {
  const path = squares(text)
    .map((dark, at) => (dark ? `M${(at % SIZE) + BORDER} ${Math.floor(at / SIZE) + BORDER}h1v1h-1z` : ""))
    .join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${BOX} ${BOX}" shape-rendering="crispEdges"><path d="M0 0h${BOX}v${BOX}H0z" fill="#fff"/><path d="${path}" fill="#000"/></svg>`;
}

/** Which of the texts a picture shows; the code has to fill it. */
export function readFakeQr(
  picture: { width: number; height: number; luma: string },
  texts: Iterable<string>,
): string | null {
  const grey = atob(picture.luma);
  if (grey.length !== picture.width * picture.height) return null;
  const shown = Array.from({ length: SIZE * SIZE }, (_, at) => {
    const x = Math.floor((((at % SIZE) + BORDER + 0.5) / BOX) * picture.width);
    const y = Math.floor(((Math.floor(at / SIZE) + BORDER + 0.5) / BOX) * picture.height);
    return grey.charCodeAt(y * picture.width + x) < 128;
  });
  for (const text of texts) if (squares(text).every((dark, at) => dark === shown[at])) return text;
  return null;
}

/** The three squares in the corners; null outside of them. */
function corner(x: number, y: number): boolean | null {
  const dx = x < 8 ? x : x > SIZE - 9 ? SIZE - 1 - x : null;
  const dy = y < 8 ? y : y > SIZE - 9 ? SIZE - 1 - y : null;
  if (dx === null || dy === null || (x > 8 && y > 8)) return null;
  if (dx > 6 || dy > 6) return false;
  const ring = Math.max(Math.abs(dx - 3), Math.abs(dy - 3));
  return ring === 3 || ring <= 1;
}
