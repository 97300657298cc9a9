/** What keeps an account: the recovery code, the ways in, copies and backups. */
import { describe, expect, it } from "vitest";
import { i18n } from "../i18n/i18n.svelte.ts";
import { appError } from "../ipc/backend.ts";
import { CODE_PICTURE, FOLDER, WORDS } from "../ipc/fake/world.ts";
import { BringBack } from "./bringBack.svelte.ts";
import type { Entry } from "./entry.svelte.ts";
import { ExportChat, HealthState } from "./health.svelte.ts";
import { Recovery, RecoveryReminder } from "./recovery.svelte.ts";
import type { Start } from "./start.svelte.ts";
import { fakeBackend, memoryStorage, NOW, settled, startedApp } from "./testing.ts";
import { WaysIn } from "./ways.svelte.ts";

const CODE = WORDS.join(" ");
const DAY = 86_400_000;

describe("the recovery code", () => {
  it("becomes due with the first answer, and can be put off for some days", async () => {
    const storage = memoryStorage();
    const { app, backend } = await startedApp({ scene: "firstRun" }, storage);
    if (app.stage.stage !== "firstRun") throw new Error("expected the first run");
    const { start } = app.stage;
    await start.writeLink("relevo://relay.example.org/i/k7Qm2xV9");
    start.name = "Sam";
    await start.create();
    const me = () => {
      if (app.stage.stage !== "ready") throw new Error("expected the chats");
      return app.stage.me;
    };
    await settled();
    expect(app.reminder.shownFor(me(), NOW)).toBe(false);
    await backend.call("sendText", { conversation: 1, text: "Hello" });
    backend.receive(1, "Hello Sam");
    await settled();
    expect(app.reminder.shownFor(me(), NOW)).toBe(true);
    app.reminder.later(NOW);
    expect(app.reminder.shownFor(me(), NOW + DAY)).toBe(false);
    expect(new RecoveryReminder(storage).shownFor(me(), NOW + DAY)).toBe(false);
    expect(app.reminder.shownFor(me(), NOW + 4 * DAY)).toBe(true);
    // A clock that was far ahead when it was put off.
    app.reminder.later(NOW + 1000 * DAY);
    expect(app.reminder.shownFor(me(), NOW)).toBe(true);
  });

  it("is gone for good after two right words", async () => {
    const { app, backend } = await startedApp({ scene: "due" });
    const recovery = new Recovery(backend);
    await recovery.reveal();
    expect(recovery.code?.words).toHaveLength(24);
    recovery.ask();
    expect(recovery.canConfirm).toBe(false);
    const asked = recovery.code?.ask ?? [];
    recovery.answer(0, WORDS[(asked[0] ?? 0) - 1] ?? "");
    recovery.answer(1, "wrong");
    await recovery.confirm();
    expect(recovery.step.error?.code).toBe("wrongWord");
    expect(recovery.page).toBe("check");
    recovery.answer(1, ` ${(WORDS[(asked[1] ?? 0) - 1] ?? "").toUpperCase()} `);
    await recovery.confirm();
    expect(recovery.page).toBe("done");
    expect(recovery.code).toBeNull();
    expect(app.stage).toMatchObject({ me: { recovery: "confirmed" } });
    await recovery.reveal();
    expect(recovery.step.error?.code).toBe("notFound");
  });
});

describe("restoring", () => {
  async function restoring(scene: "firstRun" | "noKeyring" = "firstRun") {
    const { app, backend } = await startedApp({ scene });
    if (app.stage.stage !== "firstRun") throw new Error("expected the first run");
    const start: Start = app.stage.start;
    start.show("addDevice");
    start.show("restore");
    return { app, backend, start, restore: start.restore };
  }

  it("brings the account back with the backup", async () => {
    const { app, backend, restore } = await restoring();
    restore.code.write(` ${WORDS.join("\n")} `);
    expect(restore.canRestore).toBe(false);
    restore.writeRelay("relay.example.org");
    await restore.folder.choose();
    expect(restore.folder.path).toBe(FOLDER);
    restore.ask();
    await restore.restore();
    expect(app.stage).toMatchObject({ stage: "ready", me: { name: "Sam Rivera", recovery: "confirmed" } });
    expect(restore.code.text).toBe("");
    expect(backend.calls.find((call) => call.name === "restoreAccount")?.params).toMatchObject({
      folder: FOLDER,
      protection: { kind: "keyring" },
    });
  });

  it.each([
    ["wrongCode", WORDS.toReversed().join(" "), "relay.example.org", ""],
    ["badLink", CODE, "not an address", ""],
    ["noRecoveryRecord", CODE, "other.example.net", ""],
    ["relayUnreachable", CODE, "gone.example.net", ""],
    ["folder", CODE, "relay.example.org", "/nowhere"],
  ])("says %s and keeps what was typed", async (code, words, relay, folder) => {
    const { app, restore } = await restoring();
    restore.code.write(words);
    restore.writeRelay(relay);
    restore.folder.write(folder);
    restore.ask();
    await restore.restore();
    expect(restore.step.error?.code).toBe(code);
    expect(restore.code.text).toBe(words);
    expect(app.stage.stage).toBe("firstRun");
  });

  it("tells what becomes of the other computer before anything happens", async () => {
    const { app, backend, restore } = await restoring();
    restore.ask();
    expect(restore.asked).toBe(false);
    restore.code.write(CODE_PICTURE);
    await restore.restore();
    restore.ask();
    restore.giveUp();
    await restore.restore();
    expect(backend.calls.some((call) => call.name === "restoreAccount")).toBe(false);
    restore.ask();
    await restore.restore();
    expect(app.stage.stage).toBe("ready");
  });

  it("takes the relay from the picture of the code", async () => {
    const { app, restore } = await restoring();
    restore.code.write(CODE_PICTURE);
    expect(restore.code.isFromPicture).toBe(true);
    expect(restore.canRestore).toBe(true);
    restore.ask();
    await restore.restore();
    expect(app.stage).toMatchObject({ stage: "ready", me: { recovery: "confirmed" } });
  });

  it("counts the words of a numbered list", async () => {
    const { restore } = await restoring();
    restore.writeRelay("relay.example.org");
    restore.code.write(WORDS.map((word, at) => `${at + 1}. ${word}`).join(", "));
    expect(restore.canRestore).toBe(true);
  });

  it("asks for the name where nothing tells the former one", async () => {
    const { backend, restore } = await restoring();
    restore.code.write(CODE);
    restore.writeRelay("relay.example.org");
    backend.failNext("restoreAccount", appError("nameInvalid"));
    restore.ask();
    await restore.restore();
    expect(restore.step.error?.code).toBe("nameInvalid");
    restore.writeName(" Sam ");
    expect(restore.step.error).toBeNull();
    restore.ask();
    await restore.restore();
    const names = backend.calls
      .filter((call) => call.name === "restoreAccount")
      .map((call) => (call.params as { name: string | null }).name);
    expect(names).toEqual([null, "Sam"]);
  });

  it("asks for protection where the keyring cannot be used, or turns out not to work", async () => {
    const { restore } = await restoring("noKeyring");
    restore.code.write(CODE);
    restore.writeRelay("relay.example.org");
    expect(restore.canRestore).toBe(false);
    restore.protection.choice = "unprotected";
    expect(restore.canRestore).toBe(true);

    const other = await restoring();
    other.restore.code.write(CODE);
    other.restore.writeRelay("relay.example.org");
    other.backend.failNext("restoreAccount", appError("keyring"));
    other.restore.ask();
    await other.restore.restore();
    expect(other.restore.protection.asked).toBe(true);
  });

  it("goes back one page at a time", async () => {
    const { start } = await restoring();
    start.back();
    expect(start.page).toBe("addDevice");
    start.back();
    expect(start.page).toBe("choices");
  });
});

describe("the ways in", () => {
  async function locked(scene: "lockedOut" | "keyringFailed") {
    const { app, backend } = await startedApp({ scene });
    if (app.stage.stage !== "locked") throw new Error("expected the locked page");
    const entry: Entry = app.stage.entry;
    return { app, backend, entry };
  }

  it("are all offered, with the trouble of each", async () => {
    const { entry } = await locked("lockedOut");
    expect(entry.slots.map((slot) => slot.kind)).toEqual(["keyring", "passphrase", "recovery"]);
    expect(entry.slot("keyring")?.trouble).toBe("locked");
  });

  it("include the recovery code", async () => {
    const { app, entry } = await locked("keyringFailed");
    entry.code.write("only three words");
    expect(entry.code.isComplete).toBe(false);
    entry.code.write(WORDS.toReversed().join(" "));
    await entry.unlockWithCode();
    expect(entry.byCode.error?.code).toBe("wrongCode");
    expect(entry.byPassphrase.error).toBeNull();
    entry.code.write(CODE);
    expect(entry.byCode.error).toBeNull();
    await entry.unlockWithCode();
    expect(app.stage.stage).toBe("ready");
  });

  it("can be tried again without losing the page when that fails", async () => {
    const { app, backend, entry } = await locked("keyringFailed");
    backend.failNext("open", appError("keyring"));
    await entry.retry();
    expect(entry.byKeyring.error?.code).toBe("keyring");
    expect(app.stage.stage).toBe("locked");
    await entry.retry();
    expect(app.stage).toMatchObject({ stage: "locked", entry: { reason: "prompt dismissed" } });
  });

  it("can be added and removed, but not the last one", async () => {
    const ways = new WaysIn(fakeBackend());
    await ways.load();
    ways.write("passphrase");
    ways.passphrase.first = "correct horse";
    await ways.savePassphrase();
    expect(ways.has("passphrase")).toBe(false);
    ways.passphrase.second = "correct horse";
    await ways.savePassphrase();
    expect(ways.saved).toBe("passphrase");
    expect(ways.writing).toBeNull();
    expect(ways.passphrase.first).toBe("");
    ways.ask("keyring");
    await ways.remove();
    ways.ask("recovery");
    await ways.remove();
    expect(ways.slots?.map((slot) => slot.kind)).toEqual(["passphrase"]);
    ways.ask("passphrase");
    await ways.remove();
    expect(ways.step.error?.code).toBe("lastSlot");
    await ways.addKeyring();
    expect(ways.has("keyring")).toBe(true);
  });

  it("are removed only after a question", async () => {
    const backend = fakeBackend();
    const ways = new WaysIn(backend);
    await ways.load();
    await ways.remove();
    ways.ask("recovery");
    expect(ways.asked).toBe("recovery");
    ways.ask(null);
    await ways.remove();
    expect(backend.calls.some((call) => call.name === "removeSlot")).toBe(false);
    ways.ask("recovery");
    await ways.remove();
    expect(ways.asked).toBeNull();
    expect(ways.has("recovery")).toBe(false);
  });

  it("can be the recovery code again, for whoever has all of it", async () => {
    const backend = fakeBackend();
    const ways = new WaysIn(backend);
    await ways.load();
    ways.ask("recovery");
    await ways.remove();
    ways.write("recovery");
    ways.code.write(WORDS.slice(0, 23).join(" "));
    await ways.addCode();
    expect(backend.calls.some((call) => call.name === "addCodeSlot")).toBe(false);
    ways.code.write(WORDS.toReversed().join(" "));
    await ways.addCode();
    expect(ways.step.error?.code).toBe("wrongCode");
    expect(ways.writing).toBe("recovery");
    ways.code.write(CODE);
    await ways.addCode();
    expect(ways.has("recovery")).toBe(true);
    expect(ways.saved).toBe("recovery");
    expect(ways.code.text).toBe("");
  });
});

describe("mended damage", () => {
  it("is told until it was read, and before anything else", async () => {
    const { app, backend } = await startedApp({ scene: "copy" });
    expect(app.dialogs.open).toMatchObject({ kind: "mended", mended: { how: "copy" } });
    backend.emit({ type: "linkOpened", text: "relevo://relay.example.org/contact/9f8e7d6c" });
    await settled();
    expect(app.dialogs.open?.kind).toBe("mended");
    await app.acknowledgeMended();
    expect(app.dialogs.open?.kind).toBe("openLink");
    app.dialogs.close();
    await app.open();
    expect(app.dialogs.open).toBeNull();
  });

  it("is told again after a look elsewhere", async () => {
    const { app } = await startedApp({ scene: "salvaged" });
    app.dialogs.close();
    await app.open();
    expect(app.dialogs.open?.kind).toBe("mended");
  });
});

describe("health and backup", () => {
  it("counts, backs up and tests", async () => {
    const health = new HealthState(fakeBackend());
    await health.load();
    expect(health.health).toMatchObject({ unopened: 0, missing: 0, backupFolder: null });
    await health.folder.choose();
    health.code.write(WORDS.toReversed().join(" "));
    await health.start();
    expect(health.step.error?.code).toBe("wrongCode");
    expect(health.folder.path).toBe(FOLDER);
    health.code.write(CODE);
    await health.start();
    expect(health.folder.isOpen).toBe(false);
    expect(health.code.text).toBe("");
    expect(health.health).toMatchObject({ backupFolder: FOLDER, lastRehearsal: null });
    await health.test();
    expect(health.health?.lastRehearsal).toEqual({ time: NOW, problem: null });
    await health.stop();
    expect(health.health?.backupFolder).toBeNull();
  });

  it("does one thing at a time, and keeps the facts when one fails", async () => {
    const backend = fakeBackend();
    const health = new HealthState(backend);
    await health.load();
    backend.failNext("backupNow", appError("folder"));
    const [first, second] = await Promise.all([health.backUp(), health.backUp()]);
    expect([first, second]).toEqual([false, false]);
    expect(backend.calls.filter((call) => call.name === "backupNow")).toHaveLength(1);
    expect(health.step.error?.code).toBe("folder");
    expect(health.health).not.toBeNull();
    expect(health.work).toBeNull();
  });

  it("exports a chat into a chosen folder, in the language of the page", async () => {
    const backend = fakeBackend();
    const chat = new ExportChat(backend, 1);
    await chat.write();
    expect(chat.file).toBeNull();
    await chat.folder.choose();
    chat.format = "json";
    await chat.write();
    expect(chat.file).toBe(`${FOLDER}/Ana-Morales.json`);
    expect(backend.calls.at(-1)?.params).toMatchObject({ language: "en" });
    i18n.use("es");
    await chat.write();
    expect(backend.calls.at(-1)?.params).toMatchObject({ language: "es" });
    i18n.use("en");
  });
});

describe("a backup that fails", () => {
  it("is over the window until it goes elsewhere", async () => {
    const { app, backend } = await startedApp({ scene: "backupTrouble" });
    expect(app.backupTrouble).toMatchObject({ kind: "notWritten", problem: "folder" });
    if (app.stage.stage !== "ready") throw new Error("expected to be ready");
    app.dialogs.backupFolder(app.stage.me);
    const dialog = app.dialogs.open;
    if (dialog?.kind !== "settings") throw new Error("expected the settings");
    expect(dialog.part).toBe("health");
    const { health } = dialog.preferences;
    await settled();
    expect(health.folder.path).toBe(FOLDER);
    expect(health.needsCode).toBe(false);
    health.folder.write(" /nowhere ");
    await health.start();
    expect(health.step.error?.code).toBe("folder");
    health.folder.write(FOLDER);
    await health.start();
    expect(app.backupTrouble).toBeNull();
    expect(backend.calls.at(-1)?.params).toEqual({ folder: FOLDER, code: null });
  });
});

describe("bringing back", () => {
  it("takes the code for a foreign folder only, and says what came", async () => {
    const backend = fakeBackend();
    let changes = 0;
    const bringBack = new BringBack(backend, () => (changes += 1));
    await bringBack.choose();
    expect(bringBack.needsCode(null)).toBe(true);
    expect(bringBack.canBring(FOLDER)).toBe(true);
    bringBack.code.write(WORDS.toReversed().join(" "));
    await bringBack.bring(null);
    expect(bringBack.step.error?.code).toBe("wrongCode");
    expect(bringBack.folder.path).toBe(FOLDER);
    bringBack.code.write(CODE_PICTURE);
    await bringBack.bring(null);
    expect(bringBack.done?.messages).toBe(1);
    expect([bringBack.folder.isOpen, bringBack.code.text, changes]).toEqual([false, "", 1]);
    await bringBack.choose();
    expect(bringBack.done).toBeNull();
    bringBack.code.write(CODE);
    await bringBack.bring(null);
    expect(bringBack.done?.messages).toBe(0);
    expect(changes).toBe(1);
  });

  it("reads the open chat anew", async () => {
    const { app } = await startedApp();
    await app.select(1);
    if (app.stage.stage !== "ready") throw new Error("expected to be ready");
    app.dialogs.settings(app.stage.me);
    const dialog = app.dialogs.open;
    if (dialog?.kind !== "settings") throw new Error("expected the settings");
    const { bringBack } = dialog.preferences;
    await bringBack.choose();
    bringBack.code.write(CODE);
    await bringBack.bring(null);
    await settled();
    expect(app.selected).toBe(1);
    const rows = app.timeline?.days.flatMap((day) => day.rows) ?? [];
    const texts = rows.map((row) => (row.kind === "item" ? row.item.message.text : ""));
    expect(texts.at(-1)).toBe("From the backup");
  });
});
