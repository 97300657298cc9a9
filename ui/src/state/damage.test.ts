/** Files that do not open, and damage that is found at work. */
import { describe, expect, it } from "vitest";
import { brokenPage, wordsFor } from "../errors.ts";
import { appError } from "../ipc/backend.ts";
import { CODE_PICTURE, FOLDER, WORDS } from "../ipc/fake/world.ts";
import type { Scene } from "../ipc/fake/scene.ts";
import { ShownFolder } from "./folder.svelte.ts";
import { fakeBackend, settled, startedApp } from "./testing.ts";

async function lostApp(scene: Scene) {
  const { app, backend } = await startedApp({ scene });
  if (app.stage.stage !== "lost") throw new Error("expected a lost account");
  return { app, backend, lost: app.stage.lost };
}

describe("an account whose messages are lost", () => {
  it("opens with a backup, after each thing that was wrong was said", async () => {
    const { app, lost } = await lostApp("lostFiles");
    expect(lost).toMatchObject({ what: "damaged", keys: true, page: "choices" });
    lost.show("backup");
    expect(lost.canRestore).toBe(false);
    lost.code.write(WORDS.toReversed().join(" "));
    lost.folder.write("/nowhere");
    await lost.restore();
    expect(lost.step.error?.code).toBe("wrongCode");
    lost.code.write(CODE_PICTURE);
    expect(lost.step.error).toBeNull();
    await lost.restore();
    expect(lost.step.error?.code).toBe("noBackup");
    await lost.folder.choose();
    expect(lost.folder.path).toBe(FOLDER);
    await lost.restore();
    expect(app.stage.stage).toBe("ready");
    expect(app.dialogs.open).toMatchObject({ kind: "mended", mended: { how: "backup" } });
    expect(lost.code.text).toBe("");
  });

  it("goes on without messages if the person wants that", async () => {
    const { app, backend, lost } = await lostApp("lostFiles");
    lost.show("without");
    expect(backend.calls.map((call) => call.name)).toEqual(["open"]);
    backend.failNext("openWithoutMessages", appError("diskFull"));
    await lost.goOn();
    expect(lost.step.error?.code).toBe("diskFull");
    await lost.goOn();
    expect(app.dialogs.open).toMatchObject({ kind: "mended", mended: { how: "identityOnly" } });
  });

  it("is looked for again", async () => {
    const { app, lost } = await lostApp("lostFiles");
    await lost.retry();
    expect(app.stage.stage).toBe("lost");
  });

  it("is put aside and restored where its keys are lost too", async () => {
    const { app, lost } = await lostApp("lostKeys");
    expect(lost.keys).toBe(false);
    lost.show("code");
    await lost.putAside();
    if (app.stage.stage !== "firstRun") throw new Error("expected the first run");
    expect(app.stage.start.page).toBe("restore");
  });
});

describe("damage that is found at work", () => {
  it("is told at once, and mended by a restart that keeps what is being written", async () => {
    const { app, backend } = await startedApp();
    expect(app.damaged).toBe(false);
    await app.select(2);
    app.composer?.write("Half a thought");
    backend.emit({ type: "databaseDamaged" });
    expect(app.damaged).toBe(true);
    backend.failNext("restart", appError("internal"));
    await app.restart();
    expect(app.restarting).toBe(false);
    await app.restart();
    await settled();
    expect(app.restarting).toBe(true);
    const names = backend.calls.map((call) => call.name);
    expect(names.indexOf("saveDraft")).toBeLessThan(names.indexOf("restart"));
  });

  it("is known to a window that is opened later", async () => {
    const { app } = await startedApp({ scene: "damaged" });
    expect(app.damaged).toBe(true);
  });
});

describe("a database of a newer version", () => {
  it("has a page of its own", async () => {
    const { app } = await startedApp({ scene: "newer" });
    if (app.stage.stage !== "broken") throw new Error("expected the page");
    expect(brokenPage(app.stage.error.code).title).toBe("newer.title");
    expect(wordsFor("newer").text).toBe("error.newer");
  });
});

describe("a folder of the program", () => {
  it("is opened by its role, never by a path of the page", async () => {
    const backend = fakeBackend();
    const folder = new ShownFolder(backend, "backup");
    backend.failNext("openFolder", appError("noFileManager"));
    await folder.open();
    expect(folder.step.error?.code).toBe("noFileManager");
    await folder.open();
    expect(folder.step.error).toBeNull();
    expect(backend.calls.at(-1)).toEqual({ name: "openFolder", params: { folder: "backup" } });
  });
});
