/** The smaller state classes: connection, search, settings, links, shortcuts. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { i18n } from "../i18n/i18n.svelte.ts";
import { appError } from "../ipc/backend.ts";
import type { Connection } from "../ipc/bindings.ts";
import { ConnectionStatus, QUIET_MS } from "./connection.svelte.ts";
import { OpenLink, ShareLink } from "./links.svelte.ts";
import { Search } from "./search.svelte.ts";
import { SettingsState } from "./settings.svelte.ts";
import { shortcutFor, types, type Key } from "./shortcuts.ts";
import { fakeBackend, memoryStorage, settled } from "./testing.ts";

describe("the connection", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const state = (state: Connection["state"], cause: Connection["cause"] = null): Connection => ({
    state,
    cause,
    since: 0,
    retryAt: null,
    waiting: 2,
  });

  it("says nothing about short interruptions", () => {
    const status = new ConnectionStatus();
    status.update(state("offline"));
    vi.advanceTimersByTime(QUIET_MS - 1);
    expect(status.phase).toBe("quiet");
    status.update(state("online"));
    vi.advanceTimersByTime(QUIET_MS);
    expect(status.phase).toBe("quiet");
  });

  it("counts the time over several attempts", () => {
    const status = new ConnectionStatus();
    status.update(state("connecting"));
    vi.advanceTimersByTime(2000);
    status.update(state("offline", "relayUnreachable"));
    vi.advanceTimersByTime(1000);
    expect(status.phase).toBe("offline");
    status.update(state("connecting"));
    expect(status.phase).toBe("connecting");
    status.update(state("online"));
    expect(status.phase).toBe("quiet");
  });

  it("stays the same through the attempts while the relay restarts", () => {
    const status = new ConnectionStatus();
    status.update(state("offline", "relayRestarting"));
    vi.advanceTimersByTime(QUIET_MS);
    expect(status.phase).toBe("connecting");
    status.update(state("connecting", "relayRestarting"));
    expect(status.phase).toBe("connecting");
    status.update(state("offline", "relayUnreachable"));
    expect(status.phase).toBe("offline");
  });

  it("tells what does not pass by itself", () => {
    const status = new ConnectionStatus();
    status.update(state("offline", "revoked"));
    vi.advanceTimersByTime(QUIET_MS);
    expect(status.phase).toBe("stopped");
    expect(status.canRetry).toBe(false);
  });

  it("knows at once that this device was removed", () => {
    const status = new ConnectionStatus();
    status.update(state("offline", "revoked"));
    expect(status.removed).toBe(true);
    // As it starts, from what it knew before.
    status.update(state("connecting", "revoked"));
    expect(status.removed).toBe(true);
    status.update(state("offline", "signedOut"));
    expect(status.removed).toBe(false);
  });
});

describe("the search", () => {
  it("finds chats without accents and messages by text", async () => {
    vi.useFakeTimers();
    const backend = fakeBackend();
    const search = new Search(backend);
    const all = await backend.call("conversations", {});
    search.write("jose");
    expect(search.matching(all).map((chat) => chat.title)).toEqual(["Café con José"]);
    search.write("lemons");
    expect(search.running).toBe(true);
    await vi.advanceTimersByTimeAsync(500);
    vi.useRealTimers();
    expect(search.hits[0]?.message.text).toContain("two lemons");
    expect(backend.calls.filter((call) => call.name === "search")).toHaveLength(1);
    search.clear();
    expect(search.hits).toEqual([]);
  });

  it("shows what can be found later, with few requests", async () => {
    vi.useFakeTimers();
    const backend = fakeBackend({ latencyMs: 1000 });
    const search = new Search(backend);
    const asked = () => backend.calls.filter((call) => call.name === "search").length;
    search.refresh();
    search.write("heron");
    search.refresh();
    await vi.advanceTimersByTimeAsync(500);
    expect(asked()).toBe(1);
    backend.receive(2, "A heron on the roof");
    for (let news = 0; news < 20; news += 1) search.refresh();
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked()).toBe(2);
    backend.receive(2, "Another heron");
    search.refresh();
    expect(search.running).toBe(false);
    expect(search.hits).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5000);
    vi.useRealTimers();
    expect(search.hits).toHaveLength(2);
    expect(asked()).toBe(3);
  });
});

describe("the settings", () => {
  afterEach(() => i18n.use("en"));

  it("apply at once and go back when they cannot be saved", async () => {
    const backend = fakeBackend();
    const settings = new SettingsState(backend, {
      languages: ["es-MX"],
      storage: memoryStorage(),
      locale: null,
    });
    expect(i18n.locale).toBe("es");
    await settings.setLanguage("en");
    expect(i18n.locale).toBe("en");
    backend.failNext("saveSettings", appError("database"));
    await settings.setTheme("dark");
    expect(settings.theme).toBe("system");
    expect(settings.error?.code).toBe("database");
  });

  it("remember the zoom between 80 and 200 %", () => {
    const storage = memoryStorage();
    const surroundings = { languages: ["en"], storage, locale: null };
    const settings = new SettingsState(fakeBackend(), surroundings);
    for (let step = 0; step < 20; step += 1) settings.zoomBy(1);
    expect(settings.zoom).toBe(200);
    expect(new SettingsState(fakeBackend(), surroundings).zoom).toBe(200);
    for (let step = 0; step < 20; step += 1) settings.zoomBy(-1);
    expect(settings.zoom).toBe(80);
    settings.resetZoom();
    expect(settings.zoom).toBe(100);
  });
});

describe("links", () => {
  it("can be made, and made again after a failure", async () => {
    const backend = fakeBackend();
    const share = new ShareLink(backend);
    backend.failNext("createInvite", appError("offline"));
    await share.show("invite");
    expect(share.error?.code).toBe("offline");
    await share.show("invite");
    expect(share.link?.qr).toContain("<svg");
    expect(share.error).toBeNull();
  });

  it("lead to the known chat instead of adding a person twice", async () => {
    const backend = fakeBackend();
    const link = new OpenLink(backend, "relevo://relay.example.org/contact/known");
    await settled();
    expect(await link.open()).toBe(1);
    expect(backend.calls.some((call) => call.name === "openContact")).toBe(false);
  });

  it("that are one's own add nobody", async () => {
    const link = new OpenLink(fakeBackend(), "relevo://relay.example.org/i/mine9f8e");
    await settled();
    expect(await link.open()).toBeNull();
    expect(link.error?.code).toBe("ownLink");
  });

  it("of another relay cannot be opened", async () => {
    const link = new OpenLink(fakeBackend(), "relevo://other.example.net/contact/9f8e");
    await settled();
    expect(link.canOpen).toBe(false);
  });
});

describe("shortcuts", () => {
  const key = (name: string, held: Partial<Key> = {}): Key => ({
    key: name,
    code: /^\d$/.test(name) ? `Digit${name}` : "",
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    ...held,
  });

  it("are on Ctrl, and on ⌘ on a Mac", () => {
    expect(shortcutFor(key("k", { ctrlKey: true }), false)).toEqual({ action: "search" });
    expect(shortcutFor(key("k", { metaKey: true }), true)).toEqual({ action: "search" });
    expect(shortcutFor(key("k", { ctrlKey: true }), true)).toBeNull();
    expect(shortcutFor(key("3", { ctrlKey: true }), false)).toEqual({ action: "position", index: 2 });
    expect(shortcutFor(key("Tab", { ctrlKey: true, shiftKey: true }), false)).toMatchObject({ step: -1 });
    expect(shortcutFor(key("ArrowUp", { altKey: true, shiftKey: true }), false)).toMatchObject({
      unread: true,
    });
  });

  it("leave characters of AltGr alone", () => {
    expect(shortcutFor(key("/", { ctrlKey: true, altKey: true }), false)).toBeNull();
    expect(types(key("€", { ctrlKey: true, altKey: true }), true)).toBe(true);
    expect(types(key("c", { ctrlKey: true }), false)).toBe(false);
    expect(types(key(" "), false)).toBe(false);
    expect(types(key("Enter"), false)).toBe(false);
  });
});
