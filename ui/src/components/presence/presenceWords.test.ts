import { describe, expect, it } from "vitest";
import type { Presence } from "../../ipc/bindings.ts";
import { presenceWords } from "./presenceWords.ts";

const now = new Date(2026, 10, 22, 17, 24).getTime();
const day = 86_400_000;

describe("presence in words", () => {
  const away = (ago: number): Presence => ({ state: "offline", lastSeen: now - ago });

  it("is rounded, from near to far", () => {
    expect(presenceWords({ state: "online", lastSeen: null }, true, now)).toBe("Online");
    const ago = [0, day, 3 * day, 20 * day, 100 * day];
    expect(ago.map((time) => presenceWords(away(time), true, now))).toEqual([
      "Last seen today",
      "Last seen yesterday",
      "Last seen this week",
      "Last seen this month",
      "Last seen a long time ago",
    ]);
    expect(presenceWords({ state: "offline", lastSeen: null }, true, now)).toBe("Offline");
  });

  it("is never told from what is no longer known", () => {
    expect(presenceWords({ state: "online", lastSeen: null }, false, now)).toBe(
      "Not known while you are offline",
    );
    expect(presenceWords(null, true, now)).toBeNull();
  });
});
