/** Who may write, who is there, and whether it is really them. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { appError } from "../ipc/backend.ts";
import { TYPING_EVERY_MS } from "./composer.svelte.ts";
import { OpenHandle, OwnHandle } from "./handle.svelte.ts";
import { IssuedLinks, OpenLink, ShareLink } from "./links.svelte.ts";
import { OwnName } from "./ownName.svelte.ts";
import { BlockList } from "./people.svelte.ts";
import { PrivacyState } from "./privacy.svelte.ts";
import { Safety } from "./safety.svelte.ts";
import { fakeBackend, NOW, settled, startedApp } from "./testing.ts";

describe("a request", () => {
  it("can be read before it is accepted, and written to afterwards", async () => {
    const { app } = await startedApp({ scene: "people" });
    await app.select(20);
    expect(app.conversations.get(20)).toMatchObject({ standing: "request", unread: 2 });
    expect(await app.people.accept(20)).toBe(true);
    await settled();
    expect(app.conversations.get(20)?.standing).toBe("open");
    app.composer?.write("Hello Luis");
    await app.send(NOW);
    await settled();
    expect(app.conversations.get(20)?.lastMessage).toMatchObject({ text: "Hello Luis" });
  });

  it("leaves with its chat when it is declined", async () => {
    const { app } = await startedApp({ scene: "people" });
    await app.select(20);
    expect(await app.decline(20, false)).toBe(true);
    expect(app.selected).toBeNull();
    expect(app.conversations.get(20)).toBeNull();
  });

  it("stays, and says why, when the relay cannot be reached", async () => {
    const { app, backend } = await startedApp({ scene: "people" });
    await app.select(20);
    backend.failNext("declineRequest", appError("offline"));
    expect(await app.decline(20, true)).toBe(false);
    expect(app.error?.code).toBe("offline");
    expect(app.selected).toBe(20);
  });

  it("that another device declined closes the open chat", async () => {
    const { app, backend } = await startedApp({ scene: "people" });
    await app.select(20);
    await backend.call("declineRequest", { conversation: 20, block: false });
    await settled();
    expect(app.selected).toBeNull();
  });

  it("of one's own allows only a few texts", async () => {
    const { app } = await startedApp({ scene: "people" });
    await app.select(22);
    expect(app.composer?.textsLeft).toBe(1);
    app.composer?.write("The last one");
    await app.send(NOW);
    await settled();
    expect(app.composer?.textsLeft).toBe(0);
    app.composer?.write("One more");
    expect(app.composer?.canSend).toBe(false);
  });
});

describe("blocking", () => {
  it("shows in the chat and in the list of blocked people, and can be ended in both", async () => {
    const { app, backend } = await startedApp({ scene: "people" });
    const ana = app.conversations.get(1);
    if (!ana) throw new Error("the scene has Ana");
    await app.people.setBlocked(ana.peer, true);
    await settled();
    expect(app.conversations.get(1)?.standing).toBe("blocked");
    const list = new BlockList(backend);
    await list.load();
    expect(list.entries?.map((entry) => entry.name)).toEqual(["Lucky Boats", "Ana Morales"]);
    await list.unblock(ana.peer);
    await settled();
    expect(list.entries).toHaveLength(1);
    expect(app.conversations.get(1)?.standing).toBe("open");
  });

  it("with a request keeps the account on the list although its chat is gone", async () => {
    const { app, backend } = await startedApp({ scene: "people" });
    await app.decline(21, true);
    const list = new BlockList(backend);
    await list.load();
    expect(list.entries?.at(-1)).toEqual({ account: "5be03f77", name: "Ana Moraies" });
  });
});

describe("typing", () => {
  afterEach(() => void vi.useRealTimers());

  const told = (calls: readonly { name: string }[]) => calls.filter((call) => call.name === "typing").length;

  it("is told at most every three seconds while the text changes", async () => {
    const { app, backend } = await startedApp();
    await app.select(1);
    vi.useFakeTimers();
    for (const text of ["H", "He", "Hel"]) app.composer?.write(text);
    expect(told(backend.calls)).toBe(1);
    vi.advanceTimersByTime(TYPING_EVERY_MS);
    expect(told(backend.calls)).toBe(1);
    app.composer?.write("Hell");
    app.composer?.write("");
    expect(told(backend.calls)).toBe(2);
  });

  it("is not told to somebody who has not accepted, and not for an empty field", async () => {
    const { app, backend } = await startedApp({ scene: "people" });
    await app.select(22);
    app.composer?.write("Hello");
    await app.select(1);
    app.composer?.write("  ");
    expect(told(backend.calls)).toBe(0);
  });
});

describe("privacy", () => {
  it("hides from others what it no longer shows of them", async () => {
    const { app, backend } = await startedApp();
    expect(app.conversations.get(1)?.presence?.state).toBe("online");
    const privacy = new PrivacyState(backend);
    await privacy.load();
    await privacy.set({ announce: false });
    await settled();
    expect(app.conversations.get(1)?.presence).toBeNull();
  });

  it("goes back when it cannot be saved", async () => {
    const backend = fakeBackend();
    const privacy = new PrivacyState(backend);
    await privacy.load();
    backend.failNext("savePrivacy", appError("database"));
    await privacy.set({ typing: false });
    expect(privacy.privacy?.typing).toBe(true);
    expect(privacy.step.error?.code).toBe("database");
  });
});

describe("a safety number", () => {
  async function opened(conversation = 2) {
    const { app, backend } = await startedApp();
    const safety = new Safety(backend, conversation);
    await safety.load();
    return { app, backend, safety };
  }

  it("has twelve groups of five digits", async () => {
    const { safety } = await opened();
    expect(safety.number?.groups.join(" ")).toMatch(/^(\d{5} ){11}\d{5}$/);
    expect(safety.number?.verified).toBe(false);
  });

  it("that is the same marks the contact, and the mark can be removed", async () => {
    const { app, safety } = await opened();
    safety.write(safety.number?.groups.join("\n") ?? "");
    await safety.compare();
    await settled();
    expect(safety.result).toBe("same");
    expect(app.conversations.get(2)?.verified).toBe(true);
    await safety.setVerified(false);
    await settled();
    expect(safety.number?.verified).toBe(false);
    expect(app.conversations.get(2)?.verified).toBe(false);
  });

  it("that is different or incomplete marks nobody", async () => {
    const { app, safety } = await opened();
    safety.write("1".repeat(60));
    await safety.compare();
    expect(safety.result).toBe("different");
    safety.write("12345");
    expect(safety.result).toBeNull();
    await safety.compare();
    expect(safety.result).toBe("unreadable");
    expect(app.conversations.get(2)?.verified).toBe(false);
  });

  it("says when there is no code in a picture", async () => {
    const { safety } = await opened();
    await safety.comparePicture({ width: 1, height: 1, luma: btoa("x") });
    expect(safety.step.error?.code).toBe("noQr");
    expect(safety.result).toBeNull();
  });
});

describe("short names", () => {
  it("lead to a person who has to accept", async () => {
    const { app, backend } = await startedApp();
    const handle = new OpenHandle(backend);
    handle.write(" @Luis.Vega ");
    const key = await handle.open();
    await app.select(key ?? 0);
    expect(app.conversations.get(key ?? 0)).toMatchObject({ standing: "asked", textsLeft: 3 });
    handle.write("nobody");
    expect(await handle.open()).toBeNull();
    expect(handle.step.error?.code).toBe("notFound");
  });

  it("of one's own can be set, changed and given up", async () => {
    const { app, backend } = await startedApp();
    const own = new OwnHandle(backend, null);
    own.write("ana");
    await own.save();
    expect(own.step.error?.code).toBe("handleTaken");
    own.write("Sam.R");
    await own.save();
    expect(own.outcome).toBe("saved");
    expect(app.stage).toMatchObject({ stage: "ready", me: { handle: "sam.r" } });
    await own.remove();
    expect(own.outcome).toBe("removed");
    expect(app.stage).toMatchObject({ stage: "ready", me: { handle: null } });
  });
});

describe("the own name", () => {
  it("can be saved where it is another one, and is shown at once", async () => {
    const { app, backend } = await startedApp();
    const name = new OwnName(backend, "Sam Rivera");
    for (const same of ["Sam Rivera", " Sam Rivera ", "", "  "]) {
      name.write(same);
      expect(name.canSave).toBe(false);
      await name.save();
    }
    expect(backend.calls.filter((call) => call.name === "setName")).toEqual([]);
    name.write("  Sam   Vega ");
    await name.save();
    expect(name.saved).toBe(true);
    expect(name.text).toBe("Sam Vega");
    expect(name.canSave).toBe(false);
    expect(app.stage).toMatchObject({ stage: "ready", me: { name: "Sam Vega" } });
    name.write("Sam V");
    expect(name.saved).toBe(false);
  });

  it("that cannot be used stays in the field, and the former one is kept", async () => {
    const { app, backend } = await startedApp();
    const name = new OwnName(backend, "Sam Rivera");
    name.write("x".repeat(65));
    await name.save();
    expect(name.step.error?.code).toBe("nameInvalid");
    expect(name.saved).toBe(false);
    expect(name.text).toHaveLength(65);
    expect(app.stage).toMatchObject({ stage: "ready", me: { name: "Sam Rivera" } });
  });
});

describe("own links", () => {
  it("are made once each while they are looked at", async () => {
    const backend = fakeBackend();
    const share = new ShareLink(backend);
    await share.show("invite");
    await share.show("contact");
    await share.show("invite");
    expect(share.link?.url).toContain("/i/");
    expect(backend.calls.map((call) => call.name)).toEqual(["createInvite", "createContactLink"]);
  });

  it("can be ended", async () => {
    const links = new IssuedLinks(fakeBackend());
    await links.load();
    const [first] = links.links ?? [];
    await links.end(first?.token ?? "");
    expect(links.links?.map((link) => link.kind)).toEqual(["contact"]);
  });

  it("of others that a picture does not hold are said to be missing", async () => {
    const link = new OpenLink(fakeBackend(), "");
    await link.readPicture({ width: 1, height: 1, luma: btoa("x") });
    expect(link.error?.code).toBe("noQr");
    await link.write("relevo://relay.example.org/contact/9f8e7d6c");
    expect(link.error).toBeNull();
    expect(link.canOpen).toBe(true);
  });
});
