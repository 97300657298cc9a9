import { describe, expect, it } from "vitest";
import type { Presence } from "../../ipc/bindings.ts";
import { presenceWords, statusText } from "./presenceWords.ts";

const now = new Date(2026, 10, 22, 17, 24).getTime();
const hour = 3_600_000;
const day = 24 * hour;

const how = (presence: Partial<Presence>): Presence => ({
  state: "online",
  lastSeen: null,
  since: null,
  text: null,
  ...presence,
});

describe("presence in words", () => {
  it("is rounded, from near to far", () => {
    expect(presenceWords(how({}), true, now)).toBe("Online");
    const ago = [0, day, 3 * day, 20 * day, 100 * day];
    expect(
      ago.map((time) => presenceWords(how({ state: "offline", lastSeen: now - time }), true, now)),
    ).toEqual([
      "Last seen today",
      "Last seen yesterday",
      "Last seen this week",
      "Last seen this month",
      "Last seen a long time ago",
    ]);
    expect(presenceWords(how({ state: "offline" }), true, now)).toBe("Offline");
  });

  it("says how long somebody is idle in whole hours, whatever the clocks say", () => {
    const idle = [null, now + day, now - 10 * 60_000, now - hour, now - 2.9 * hour].map((since) =>
      presenceWords(how({ state: "idle", since }), true, now),
    );
    expect(idle).toEqual(["Idle", "Idle", "Idle", "Idle for 1 hour", "Idle for 2 hours"]);
    expect(presenceWords(how({ state: "doNotDisturb", since: now - day }), true, now)).toBe("Do not disturb");
  });

  it("is never told from what is no longer known", () => {
    const busy = how({ state: "doNotDisturb", text: "in a meeting" });
    expect(presenceWords(busy, false, now)).toBe("Not known while you are offline");
    expect(statusText(busy, false)).toBeNull();
    expect(statusText(busy, true)).toBe("in a meeting");
    expect(presenceWords(null, true, now)).toBeNull();
    expect(statusText(null, true)).toBeNull();
  });
});
