import { describe, expect, it } from "vitest";
import { appError } from "../ipc/backend.ts";
import type { Start } from "./start.svelte.ts";
import { settled, startedApp } from "./testing.ts";
import type { FakeOptions } from "../ipc/fake/fakeBackend.ts";

const LINK = "relevo://relay.example.org/i/k7Qm2xV9";

async function firstRun(scene: FakeOptions["scene"] = "firstRun") {
  const { app, backend } = await startedApp({ scene });
  if (app.stage.stage !== "firstRun") throw new Error("expected the first run");
  const start: Start = app.stage.start;
  return { app, backend, start };
}

describe("the first run", () => {
  it("goes from an invite to the chats", async () => {
    const { app, start } = await firstRun();
    start.show("invite");
    await start.writeLink(LINK);
    expect(start.preview?.issuerShort).toHaveLength(8);
    start.show("name");
    start.name = " Sam ";
    await start.create();
    expect(app.stage).toMatchObject({ stage: "ready", me: { name: "Sam" } });
  });

  it("goes back one step at a time, and knows where it came from", async () => {
    const { start } = await firstRun();
    start.show("addDevice");
    start.show("restore");
    start.back();
    expect([start.page, start.left]).toEqual(["addDevice", "restore"]);
    start.back();
    expect([start.page, start.left]).toEqual(["choices", "addDevice"]);
    start.back();
    expect([start.page, start.left]).toEqual(["choices", "addDevice"]);
    start.show("invite");
    expect(start.left).toBeNull();
  });

  it("says what is wrong with a link, and forgets it with the next letter", async () => {
    const { start } = await firstRun();
    await start.writeLink("hello");
    expect(start.error?.code).toBe("badLink");
    expect(start.canContinue).toBe(false);
    await start.writeLink(LINK);
    expect(start.error).toBeNull();
    expect(start.canContinue).toBe(true);
  });

  it("does not continue with a link that only adds a contact", async () => {
    const { start } = await firstRun();
    await start.writeLink("relevo://relay.example.org/contact/9f8e7d6c");
    expect(start.canContinue).toBe(false);
  });

  it("can repeat what failed", async () => {
    const { app, backend, start } = await firstRun();
    await start.writeLink(LINK);
    start.name = "Sam";
    backend.failNext("createAccount", appError("relayUnreachable"));
    await start.create();
    expect(start.error?.code).toBe("relayUnreachable");
    await start.create();
    expect(app.stage.stage).toBe("ready");
  });

  it("takes a link that comes while an account is being made for the next one, or for a contact", async () => {
    const newer = "relevo://relay.example.org/contact/9f8e7d6c";
    for (const fails of [true, false]) {
      const { app, backend, start } = await firstRun();
      start.show("invite");
      await start.writeLink(LINK);
      start.show("name");
      start.name = "Sam";
      if (fails) backend.failNext("createAccount", appError("relayUnreachable"));
      const creating = start.create();
      backend.emit({ type: "linkOpened", text: newer });
      expect(start.link).toBe(LINK);
      await creating;
      await settled();
      const made = backend.calls.find((call) => call.name === "createAccount");
      expect(made?.params).toMatchObject({ link: LINK });
      if (fails) {
        expect(start).toMatchObject({ page: "invite", link: newer, error: null, replaced: true });
        await start.writeLink(LINK);
        expect(start.replaced).toBe(false);
      } else {
        expect(app.dialogs.open).toMatchObject({ kind: "openLink", link: { unused: false } });
      }
    }
  });

  it("says that an account of an earlier attempt is the one that is open", async () => {
    const { app, start } = await firstRun();
    await start.writeLink("relevo://other.example.net/i/k7Qm2xV9");
    start.name = "Sam";
    await start.create();
    await settled();
    const { open } = app.dialogs;
    if (open?.kind !== "openLink") throw new Error("expected the link");
    expect(open.link.unused).toBe(true);
    expect(open.link.preview?.sameRelay).toBe(false);
    await open.link.write(LINK);
    expect(open.link.unused).toBe(false);
  });

  it("asks how to protect the messages only where the keyring cannot", async () => {
    expect((await firstRun()).start.protection.asked).toBe(false);
    const { backend, start } = await firstRun("noKeyring");
    expect(start.protection.asked).toBe(true);
    start.name = "Sam";
    start.protection.passphrase.first = "1234567";
    expect(start.protection.passphrase.problem).toBe("tooShort");
    start.protection.passphrase.first = "12345678";
    expect(start.protection.passphrase.problem).toBe("different");
    start.protection.passphrase.second = "12345678";
    expect(start.canCreate).toBe(true);
    await start.writeLink(LINK);
    await start.create();
    expect(backend.calls.find((call) => call.name === "createAccount")?.params).toMatchObject({
      protection: { kind: "passphrase", passphrase: "12345678" },
    });
  });

  it("asks too when the keyring turns out not to work", async () => {
    const { backend, start } = await firstRun();
    await start.writeLink(LINK);
    start.name = "Sam";
    backend.failNext("createAccount", appError("keyring"));
    await start.create();
    expect(start.protection.asked).toBe(true);
    start.protection.choice = "unprotected";
    expect(start.canCreate).toBe(true);
  });
});
