/** A picture that looks like a QR code. It holds no link; the real one comes from the program. */
export function fakeQr(text: string): string {
  const size = 33;
  let seed = 7;
  for (const char of text) seed = (seed * 31 + (char.codePointAt(0) ?? 0)) % 2_147_483_647;
  let path = "";
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      seed = (seed * 48_271) % 2_147_483_647;
      if (corner(x, y, size) ?? seed % 2 === 0) path += `M${x + 2} ${y + 2}h1v1h-1z`;
    }
  }
  const box = size + 4;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${box} ${box}" shape-rendering="crispEdges"><path d="M0 0h${box}v${box}H0z" fill="#fff"/><path d="${path}" fill="#000"/></svg>`;
}

/** The three squares in the corners; null outside of them. */
function corner(x: number, y: number, size: number): boolean | null {
  const dx = x < 8 ? x : x > size - 9 ? size - 1 - x : null;
  const dy = y < 8 ? y : y > size - 9 ? size - 1 - y : null;
  if (dx === null || dy === null || (x > 8 && y > 8)) return null;
  if (dx > 6 || dy > 6) return false;
  const ring = Math.max(Math.abs(dx - 3), Math.abs(dy - 3));
  return ring === 3 || ring <= 1;
}
