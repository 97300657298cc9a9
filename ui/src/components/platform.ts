/** Which keys the person has. */
export function isMac(): boolean {
  return /mac/i.test(navigator.platform);
}
