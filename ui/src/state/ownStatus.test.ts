import { describe, expect, it } from "vitest";
import type { OwnPresence } from "../ipc/bindings.ts";
import { appError } from "../ipc/backend.ts";
import { minutesOf, OwnStatus } from "./ownStatus.svelte.ts";
import { fakeBackend, NOW, settled, startedApp } from "./testing.ts";

const PLAIN: OwnPresence = { announced: true, doNotDisturb: null, text: null };
const HOUR = 3_600_000;

function opened(presence: Partial<OwnPresence> = {}) {
  const backend = fakeBackend();
  const status = new OwnStatus(backend, { ...PLAIN, ...presence });
  const sent = () => backend.calls.map(({ name, params }) => [name, params]);
  return { backend, status, sent };
}

describe("how long", () => {
  it("is counted in whole minutes from now", () => {
    const at = (hour: number, minute: number) => new Date(2026, 10, 22, hour, minute).getTime();
    expect(minutesOf("open", null, NOW)).toBeNull();
    expect(minutesOf("halfHour", null, NOW)).toBe(30);
    expect(minutesOf("hour", null, NOW)).toBe(60);
    expect(minutesOf("morning", null, at(17, 24))).toBe(14 * 60 + 36);
    expect(minutesOf("morning", null, at(2, 0))).toBe(6 * 60);
    expect(minutesOf("today", null, at(23, 59) + 59_500)).toBe(1);
    expect(minutesOf("kept", NOW + 90_000, NOW)).toBe(2);
    // what has just ended is not made to last for ever
    expect(minutesOf("kept", NOW - 90_000, NOW)).toBe(1);
    expect(minutesOf("kept", null, NOW)).toBeNull();
  });
});

describe("the own status", () => {
  it("is not told where nothing was changed", async () => {
    const until = NOW + HOUR;
    const { status, sent } = opened({ doNotDisturb: { until }, text: { text: "lunch", until } });
    expect([status.choice, status.span, status.text, status.textSpan]).toEqual([
      "doNotDisturb",
      "kept",
      "lunch",
      "kept",
    ]);
    expect(await status.save(NOW)).toBe(true);
    expect(sent()).toEqual([]);
  });

  it("is applied as a whole", async () => {
    const { status, sent } = opened();
    status.choose("doNotDisturb");
    status.last("hour");
    status.write("  in a meeting ");
    status.lastText("halfHour");
    expect(await status.save(NOW)).toBe(true);
    expect(sent()).toEqual([
      ["setStatusText", { text: "in a meeting", minutes: 30 }],
      ["setDoNotDisturb", { on: true, minutes: 60 }],
    ]);
  });

  it("keeps the end of a text whose words change, and has none without words", async () => {
    const { status, sent } = opened({ text: { text: "lunch", until: NOW + HOUR } });
    status.write("late lunch");
    await status.save(NOW);
    status.write(" ");
    await status.save(NOW);
    expect(sent()).toEqual([
      ["setStatusText", { text: "late lunch", minutes: 60 }],
      ["setStatusText", { text: "", minutes: null }],
    ]);
  });

  it("hides without forgetting what was said, and changes nothing else of the privacy", async () => {
    const { backend, status, sent } = opened({ doNotDisturb: { until: null } });
    status.choose("invisible");
    await status.save(NOW);
    expect(sent()).toEqual([
      ["privacy", {}],
      ["savePrivacy", { privacy: { readReceipts: true, typing: true, announce: false } }],
    ]);
    const again = new OwnStatus(backend, { ...PLAIN, announced: false, doNotDisturb: { until: null } });
    expect(again.choice).toBe("invisible");
    again.choose("available");
    await again.save(NOW);
    expect(sent().slice(2)).toEqual([
      ["setDoNotDisturb", { on: false, minutes: null }],
      ["privacy", {}],
      ["savePrivacy", { privacy: { readReceipts: true, typing: true, announce: true } }],
    ]);
  });

  it("is bounded in characters, not in their parts", async () => {
    const { status, sent } = opened();
    status.write("🌍".repeat(101));
    expect(status.tooLong).toBe(true);
    expect(await status.save(NOW)).toBe(false);
    expect(sent()).toEqual([]);
    status.write("🌍".repeat(100));
    expect(status.tooLong).toBe(false);
  });

  it("stays open with the reason where it is refused", async () => {
    const { backend, status } = opened();
    backend.failNext("setStatusText", appError("textInvalid"));
    status.write("turned");
    expect(await status.save(NOW)).toBe(false);
    expect(status.step.error?.code).toBe("textInvalid");
    status.write("turned around");
    expect(status.step.error).toBeNull();
  });
});

describe("input", () => {
  it("is told once in a while, and only where there is an account", async () => {
    const { app, backend } = await startedApp();
    const inputs = () => backend.calls.filter((call) => call.name === "input").length;
    for (const time of [0, 1000, 29_000, 30_000, 31_000, 90_000]) app.noteInput(NOW + time);
    await settled();
    expect(inputs()).toBe(3);
    const locked = await startedApp({ scene: "locked" });
    locked.app.noteInput(NOW);
    expect(locked.backend.calls.filter((call) => call.name === "input")).toEqual([]);
  });
});
