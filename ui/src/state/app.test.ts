import { describe, expect, it, vi } from "vitest";
import { appError } from "../ipc/backend.ts";
import type { Row } from "./timelineRows.ts";
import { memoryStorage, NOW, settled, startedApp } from "./testing.ts";
import type { App } from "./app.svelte.ts";

function rows(app: App): Row[] {
  return app.timeline?.days.flatMap((day) => day.rows) ?? [];
}

function texts(app: App): string[] {
  return rows(app).flatMap((row) => (row.kind === "item" ? [row.item.message.text] : []));
}

describe("a message that is sent", () => {
  it("is drawn at once, and the field keeps the text until it is written", async () => {
    const { app } = await startedApp();
    await app.select(2);
    app.composer?.write("On my way");
    const sending = app.send(NOW);

    const last = rows(app).at(-1);
    expect(last).toMatchObject({ kind: "item", item: { pending: true, message: { text: "On my way" } } });
    expect(app.composer?.text).toBe("On my way");

    await sending;
    await settled();
    const written = rows(app).at(-1);
    expect(written).toMatchObject({ item: { pending: false, message: { outgoing: "delivered" } } });
    expect(written?.key).toBe(last?.key);
    expect(app.composer?.text).toBe("");
    expect(texts(app).filter((text) => text === "On my way")).toHaveLength(1);
  });

  it("leaves the field as it was when it is rejected", async () => {
    const { app, backend } = await startedApp();
    await app.select(2);
    backend.failNext("sendText", appError("diskFull"));
    app.composer?.write("Do not lose me");
    await app.send(NOW);

    expect(app.composer?.text).toBe("Do not lose me");
    expect(app.composer?.error?.code).toBe("diskFull");
    expect(texts(app)).not.toContain("Do not lose me");
  });

  it("stays in the field when it is too long", async () => {
    const { app } = await startedApp();
    await app.select(2);
    app.composer?.write("long ".repeat(5_000));
    await app.send(NOW);
    expect(app.composer?.error?.code).toBe("textInvalid");
    expect(app.composer?.text).toBe("long ".repeat(5_000));
  });

  it("keeps what was typed while it was being written", async () => {
    const { app } = await startedApp();
    await app.select(2);
    app.composer?.write("one");
    const sending = app.send(NOW);
    app.composer?.write("one two");
    await sending;
    expect(app.composer?.text).toBe(" two");
  });

  it("keeps what took its place in the field while it was being written", async () => {
    const { app } = await startedApp();
    await app.select(2);
    for (const [typed, kept] of [
      ["something else", "something else"],
      ["first, and more of it", ", and more of it"],
      ["a first thought", "a first thought"],
      ["first", ""],
    ] as const) {
      app.composer?.write("first");
      const sending = app.send(NOW);
      app.composer?.write(typed);
      await sending;
      expect(app.composer?.text).toBe(kept);
    }
    app.composer?.write("with a space ");
    const sending = app.send(NOW);
    app.composer?.write("with a space");
    await sending;
    expect(app.composer?.text).toBe("");
  });

  it("is not sent twice by pressing twice, and not at all when it is only spaces", async () => {
    const { app, backend } = await startedApp();
    await app.select(2);
    app.composer?.write("  \n ");
    await app.send(NOW);
    app.composer?.write("once");
    await Promise.all([app.send(NOW), app.send(NOW)]);
    expect(backend.calls.filter((call) => call.name === "sendText")).toHaveLength(1);
  });

  it("waits while offline and goes out later", async () => {
    const { app, backend } = await startedApp();
    await app.select(3);
    backend.setOnline(false);
    app.composer?.write("later");
    await app.send(NOW);
    await settled();
    expect(rows(app).at(-1)).toMatchObject({ item: { message: { outgoing: "queued" } } });
    expect(app.connection.waiting).toBeGreaterThan(0);
    await app.reconnect();
    await settled();
    expect(rows(app).at(-1)).toMatchObject({ item: { message: { outgoing: "delivered" } } });
  });
});

describe("a message that failed", () => {
  it("can be tried again", async () => {
    const { app } = await startedApp();
    await app.select(2);
    const failed = app.timeline?.days
      .flatMap((day) => day.rows)
      .find((row) => row.kind === "item" && row.item.message.outgoing === "failed");
    expect(failed?.kind).toBe("item");
    if (failed?.kind !== "item") return;
    await app.retryMessage(failed.item.message.id);
    await settled();
    expect(rows(app).find((row) => row.key === failed.key)).toMatchObject({
      item: { message: { outgoing: "delivered" } },
    });
  });

  it("can be deleted", async () => {
    const { app } = await startedApp();
    await app.select(2);
    const before = texts(app).length;
    const failed = rows(app).find((row) => row.kind === "item" && row.item.message.outgoing === "failed");
    if (failed?.kind !== "item") throw new Error("the scene has a failed message");
    await app.deleteMessage(failed.item.message.id);
    await settled();
    expect(texts(app)).toHaveLength(before - 1);
  });
});

describe("drafts", () => {
  it("are saved when the chat is left, and come back with it", async () => {
    const { app, backend } = await startedApp();
    await app.select(1);
    app.composer?.write("half a thought");
    await app.select(2);
    await settled();
    expect(backend.calls).toContainEqual({
      name: "saveDraft",
      params: { conversation: 1, text: "half a thought" },
    });
    const ana = app.conversations.get(1);
    expect(ana && app.composers.draftOf(ana)).toBe("half a thought");
    expect(ana?.draft).toBe("half a thought");
    await app.select(1);
    expect(app.composer?.text).toBe("half a thought");
  });

  it("are cleared after sending", async () => {
    const { app, backend } = await startedApp();
    await app.select(4);
    expect(app.composer?.text).toBe("I will answer");
    await app.send(NOW);
    await settled();
    expect(backend.calls).toContainEqual({ name: "saveDraft", params: { conversation: 4, text: "" } });
  });
});

describe("events", () => {
  it("bring a message into the open chat and into the list", async () => {
    const { app, backend } = await startedApp();
    await app.select(2);
    backend.receive(2, "Knock knock");
    await settled();
    expect(texts(app).at(-1)).toBe("Knock knock");
    expect(app.timeline?.latestIncoming?.text).toBe("Knock knock");
    expect(app.conversations.get(2)?.lastMessage?.text).toBe("Knock knock");
  });

  it("leave the open chat alone when another chat changes", async () => {
    const { app, backend } = await startedApp();
    await app.select(2);
    const before = texts(app);
    backend.receive(1, "Elsewhere");
    await settled();
    expect(texts(app)).toEqual(before);
    expect(app.conversations.get(1)?.unread).toBe(5);
  });

  it("refresh a search that is open", async () => {
    const { app, backend } = await startedApp();
    vi.useFakeTimers();
    app.search.write("heron");
    await vi.advanceTimersByTimeAsync(500);
    expect(app.search.hits).toEqual([]);
    backend.receive(1, "A heron on the roof");
    backend.emit({ type: "searchIndexed" });
    await vi.advanceTimersByTimeAsync(500);
    vi.useRealTimers();
    expect(app.search.hits).toHaveLength(1);
  });

  it("ask before a link is used", async () => {
    const { app, backend } = await startedApp();
    backend.emit({ type: "linkOpened", text: "relevo://relay.example.org/contact/9f8e7d6c" });
    await settled();
    expect(app.dialogs.open).toMatchObject({ kind: "openLink", link: { preview: { kind: "contact" } } });
  });

  it("carry a link into the first run", async () => {
    const { app, backend } = await startedApp({ scene: "firstRun" });
    backend.emit({ type: "linkOpened", text: "relevo://relay.example.org/i/k7Qm2xV9" });
    await settled();
    expect(app.stage).toMatchObject({ stage: "firstRun", start: { page: "invite", canContinue: true } });
  });
});

describe("a chat that could not be read", () => {
  it("is read when it is chosen again, with what came in between", async () => {
    const { app, backend } = await startedApp();
    backend.failNext("messages", appError("database"));
    await app.select(2);
    expect(app.timeline).toMatchObject({ failed: true, ready: false });
    expect(app.error?.code).toBe("database");
    backend.receive(2, "meanwhile");
    await settled();
    expect(texts(app)).toEqual([]);
    await app.select(2);
    expect(app.timeline).toMatchObject({ failed: false, ready: true });
    expect(app.error).toBeNull();
    expect(texts(app).length).toBeGreaterThan(1);
    expect(texts(app).at(-1)).toBe("meanwhile");
  });

  it("is read once by pressing twice", async () => {
    const { app, backend } = await startedApp();
    await Promise.all([app.select(2), app.select(2)]);
    const read = texts(app);
    await app.select(2);
    expect(texts(app)).toEqual(read);
    expect(backend.calls.filter((call) => call.name === "messages")).toHaveLength(1);
  });
});

describe("a window that is built again", () => {
  it("opens the chat that was open", async () => {
    const storage = memoryStorage();
    const first = await startedApp({}, storage);
    await first.app.select(4);
    const second = await startedApp({}, storage);
    await settled();
    expect(second.app.selected).toBe(4);
    second.app.leaveConversation();
    const third = await startedApp({}, storage);
    await settled();
    expect(third.app.selected).toBeNull();
  });
});

describe("an engine that failed", () => {
  it("is started again with the chat that was open", async () => {
    const { app, backend } = await startedApp();
    await app.select(1);
    const opened = backend.calls.filter((call) => call.name === "open").length;
    backend.emit({ type: "engineFailed" });
    await settled();
    expect(backend.calls.filter((call) => call.name === "open").length).toBe(opened + 1);
    expect(app.stage.stage).toBe("ready");
    expect(app.selected).toBe(1);
  });
});

describe("the stages", () => {
  it("unlock with the right passphrase only", async () => {
    const { app } = await startedApp({ scene: "locked" });
    if (app.stage.stage !== "locked") throw new Error("expected the locked page");
    const { entry } = app.stage;
    entry.passphrase = "wrong";
    await entry.unlock();
    expect(entry.byPassphrase.error?.code).toBe("wrongPassphrase");
    entry.passphrase = "correct horse";
    await entry.unlock();
    expect(app.stage.stage).toBe("ready");
    expect(app.error).toBeNull();
  });

  it.each(["keyringFailed", "broken"] as const)("%s can be tried again", async (scene) => {
    const { app, backend } = await startedApp({ scene });
    expect(app.stage.stage).toBe(scene === "broken" ? "broken" : "locked");
    await app.open();
    expect(backend.calls.filter((call) => call.name === "open")).toHaveLength(2);
  });

  it("a program that does not answer is a page, not an empty window", async () => {
    const { app, backend } = await startedApp({ scene: "locked" });
    backend.failNext("open", appError("internal"));
    await app.open();
    expect(app.error?.code).toBe("internal");
  });
});
