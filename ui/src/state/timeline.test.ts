import { describe, expect, it } from "vitest";
import type { Message, SystemEvent } from "../ipc/bindings.ts";
import type { FakeBackend } from "../ipc/fake/fakeBackend.ts";
import { fakeBackend, NOW, settled, startedApp } from "./testing.ts";
import { DRAWN_MAX, PAGE, Timeline } from "./timeline.svelte.ts";
import { buildDays, type Item } from "./timelineRows.ts";

async function archive(): Promise<{ timeline: Timeline; backend: FakeBackend }> {
  const backend = fakeBackend();
  const all = await backend.call("conversations", {});
  const conversation = all.find((candidate) => candidate.key === 5);
  if (!conversation) throw new Error("the scene has an archive");
  const timeline = new Timeline(backend, conversation, "me");
  await timeline.open();
  return { timeline, backend };
}

function drawn(timeline: Timeline): Message[] {
  return timeline.days
    .flatMap((day) => day.rows)
    .flatMap((row) => (row.kind === "item" ? [row.item.message] : []));
}

describe("a long history", () => {
  it("opens with the unread divider drawn, in pages of a limited size", async () => {
    const { timeline, backend } = await archive();
    const divider = timeline.days.flatMap((day) => day.rows).find((row) => row.kind === "unread");
    expect(divider).toMatchObject({ count: timeline.divider?.count });
    expect(timeline.divider?.count).toBeGreaterThan(80);
    for (const call of backend.calls.filter((candidate) => candidate.name === "messages")) {
      expect((call.params as { limit: number }).limit).toBeLessThanOrEqual(200);
    }
  });

  it("counts the unread as unseen until they were on the screen", async () => {
    const { timeline } = await archive();
    expect(timeline.unseen).toBe(timeline.divider?.count);
    expect(timeline.see(1190)).toBe(true);
    expect(timeline.see(1180)).toBe(false);
    expect(timeline.unseen).toBeLessThan(10);
  });

  it("goes back page by page to the first message without a gap", async () => {
    const { timeline } = await archive();
    while (timeline.hasOlder) await timeline.older();
    const orders = drawn(timeline).map((message) => message.order);
    expect(orders[0]).toBe(1);
    expect(orders).toEqual(orders.map((_, index) => index + 1));
  });

  it("never draws more than the limit, in either direction", async () => {
    const { timeline } = await archive();
    while (timeline.hasOlder) {
      await timeline.older();
      expect(drawn(timeline).length).toBeLessThanOrEqual(DRAWN_MAX);
    }
    expect(timeline.endDrawn).toBe(false);
    while (!timeline.endDrawn) {
      const last = drawn(timeline).at(-1)?.order ?? 0;
      timeline.newer();
      expect(drawn(timeline).length).toBeLessThanOrEqual(DRAWN_MAX);
      expect(drawn(timeline).at(-1)?.order).toBe(Math.min(1200, last + PAGE));
    }
  });

  it("does not move what is drawn when a message arrives far below", async () => {
    const { timeline, backend } = await archive();
    while (timeline.hasOlder) await timeline.older();
    const before = drawn(timeline).map((message) => message.id);
    const message = backend.receive(5, "news");
    await timeline.changed([message.id], true);
    expect(drawn(timeline).map((candidate) => candidate.id)).toEqual(before);
    timeline.toEnd();
    expect(drawn(timeline).at(-1)?.text).toBe("news");
  });

  it("does not bring back what was removed while it was being read", async () => {
    const { timeline, backend } = await archive();
    const message = backend.receive(5, "gone soon");
    const arrives = timeline.changed([message.id], true);
    const goes = timeline.removed([message.id]);
    await Promise.all([arrives, goes]);
    expect(timeline.find(message.id)).toBeNull();
  });

  it("shows one old message that a search found", async () => {
    const { timeline, backend } = await archive();
    const [hit] = await backend.call("search", { query: "17: rope", limit: 500 });
    expect(hit).toBeDefined();
    if (!hit) return;
    await timeline.reveal(hit.message.id);
    expect(timeline.target).toBe(hit.message.id);
    expect(drawn(timeline).map((message) => message.id)).toContain(hit.message.id);
  });
});

describe("the unread divider", () => {
  it("stays when the messages were read", async () => {
    const { app } = await startedApp();
    await app.select(1);
    app.markShown(999);
    await settled();
    expect(app.conversations.get(1)?.unread).toBe(0);
    expect(app.timeline?.divider?.count).toBe(4);
    app.leaveConversation();
    await app.select(1);
    expect(app.timeline?.divider).toBeNull();
  });

  it("appears for messages that arrive while nobody looks, and nothing is marked read", async () => {
    const { app, backend } = await startedApp();
    await app.select(2);
    app.setAttentive(false);
    backend.receive(2, "Are you there?");
    backend.receive(2, "Hello?");
    await settled();
    app.markShown(999);
    expect(app.timeline?.divider?.count).toBe(2);
    expect(backend.calls.some((call) => call.name === "markRead")).toBe(false);
  });

  it("counts what the list counts, and not what the app itself notes", async () => {
    const { app, backend } = await startedApp();
    await app.select(2);
    app.setAttentive(false);
    backend.note(2, "devicesChanged");
    const first = backend.receive(2, "Are you there?");
    backend.note(2, "rejoined");
    backend.receive(2, "Hello?");
    await settled();
    expect(app.timeline?.divider).toEqual({ before: first.id, count: 2 });
    expect(app.timeline?.unseen).toBe(2);
    expect(app.conversations.get(2)?.unread).toBe(2);
  });
});

describe("messages that arrive while nobody looks", () => {
  async function unread() {
    const { app, backend } = await startedApp();
    await app.select(2);
    app.setAttentive(false);
    const message = backend.receive(2, "Are you there?");
    await settled();
    app.markShown(message.order);
    await settled();
    expect(app.conversations.get(2)?.unread).toBe(1);
    return { app, backend, order: message.order };
  }

  it("are read as soon as somebody is there", async () => {
    const { app, backend, order } = await unread();
    app.setAttentive(true);
    app.setAttentive(true);
    await settled();
    expect(app.conversations.get(2)?.unread).toBe(0);
    expect(backend.calls.filter((call) => call.name === "markRead")).toEqual([
      { name: "markRead", params: { conversation: 2, upTo: order } },
    ]);
  });

  it("are read when the person answers", async () => {
    const { app } = await unread();
    app.composer?.write("Here I am");
    await app.send(NOW);
    await settled();
    expect(app.conversations.get(2)?.unread).toBe(0);
  });

  it("are not read by opening another chat", async () => {
    const { app, backend } = await unread();
    await app.select(4);
    app.setAttentive(true);
    expect(backend.calls.some((call) => call.name === "markRead")).toBe(false);
  });
});

describe("the rows of a day", () => {
  const item = (minute: number, mine: boolean, id = `${minute}`): Item => ({
    key: id,
    pending: false,
    message: {
      id,
      conversation: 1,
      kind: "text",
      system: null,
      sender: mine ? "me" : "ana",
      mine,
      text: id,
      time: NOW + minute * 60_000,
      order: minute,
      outgoing: null,
      count: null,
      sentAt: null,
      deliveredAt: null,
      readAt: null,
    },
  });
  const shape = (items: Item[], before: string | null = null) =>
    buildDays(items, before === null ? null : { before, count: 1 }).map((day) =>
      day.rows.map((row) =>
        row.kind === "unread" ? "unread" : `${row.first ? "[" : ""}${row.key}${row.last ? "]" : ""}`,
      ),
    );

  it("group one sender within five minutes", () => {
    expect(shape([item(0, true), item(4, true), item(10, true), item(11, false)])).toEqual([
      ["[0", "4]", "[10]", "[11]"],
    ]);
  });

  it("begin a new group at the unread divider and at midnight", () => {
    expect(shape([item(0, false), item(1, false)], "1")).toEqual([["[0]", "unread", "[1]"]]);
    expect(shape([item(0, false), item(600, false)])).toEqual([["[0]"], ["[600]"]]);
  });

  const note = (minute: number, system: SystemEvent, count: number | null = null): Item => {
    const written = item(minute, false);
    return { ...written, message: { ...written.message, kind: "system", system, count, text: "" } };
  };

  it("say once what the app notes again and again", () => {
    const items = [note(0, "devicesChanged"), note(1, "devicesChanged"), note(2, "devicesChanged")];
    expect(shape(items)).toEqual([["[0]"]]);
    const [row] = buildDays(items, null)[0]?.rows ?? [];
    expect(row?.kind === "item" && row.item.message.order).toBe(2);
    expect(shape([note(0, "devicesChanged"), note(1, "rejoined"), note(2, "devicesChanged")])).toEqual([
      ["[0]", "[1]", "[2]"],
    ]);
    expect(shape([note(0, "devicesChanged"), item(1, false), note(2, "devicesChanged")])).toEqual([
      ["[0]", "[1]", "[2]"],
    ]);
    expect(shape([note(0, "devicesChanged"), note(600, "devicesChanged")])).toEqual([["[0]"], ["[600]"]]);
    expect(shape([note(0, "messagesMissing", 3), note(1, "messagesMissing", 3)])).toEqual([["[0]", "[1]"]]);
  });

  it("have different keys even when a clock went back to another day", () => {
    const days = buildDays([item(600, false), item(0, false), item(601, false)], null);
    expect(new Set(days.map((day) => day.key)).size).toBe(days.length);
  });
});
