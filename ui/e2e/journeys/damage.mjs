/** Files that do not open: what a person reads, and the ways on. */
import assert from "node:assert/strict";
import { byId } from "../browser.mjs";
import { journey, openChat, waitForFocus, waitForText } from "../steps.mjs";

const WORDS =
  "anchor velvet puzzle ocean ribbon garden cactus lemon window forest marble tunnel copper meadow lantern pigeon saddle violin walnut yellow zebra hammer island jacket";

/** @param {import("playwright-core").Page} page */
const names = (page) => page.evaluate(() => window.relevoFake?.calls.map((call) => call.name) ?? []);

/**
 * Waits until the page has asked the program for something.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
const waitForCall = (page, name) =>
  page.waitForFunction((it) => window.relevoFake?.calls.some((call) => call.name === it), name);

export const damage = {
  "lost messages come back from a backup, by keyboard alone": journey(
    { scene: "lostFiles" },
    async (page) => {
      await waitForText(page, byId("lost-reason"), "Nothing in it can be read");
      await page.locator(byId("lost-backup")).focus();
      await page.keyboard.press("Enter");
      await waitForFocus(page, "folder-input");
      await page.keyboard.type("/nowhere");
      await page.fill(byId("code-input"), WORDS);
      await page.locator(byId("code-input")).press("Tab");
      await page.locator(byId("lost-restore")).press("Enter");
      await page.getByText("There is no Relevo backup in this folder").waitFor();
      await waitForFocus(page, "folder-input");
      await page.click(byId("folder-choose"));
      await page.click(byId("lost-restore"));
      await waitForText(page, byId("mended"), "restored from your backup of");
      await page.click(byId("folder-open"));
      await page.click(byId("mended-understood"));
      await page.waitForSelector(byId("conversation-item"));
      await waitForCall(page, "openFolder");
    },
  ),

  "nothing is given up before a second click": journey({ scene: "lostFiles" }, async (page) => {
    await page.click(byId("lost-without"));
    await waitForFocus(page, "lost-confirm");
    await page.getByRole("button", { name: "Back" }).click();
    await page.click(byId("stopped-retry"));
    await page.waitForSelector(byId("lost-reason"));
    assert.deepEqual(await names(page), ["open", "open"]);
    await page.click(byId("lost-without"));
    await page.click(byId("lost-confirm"));
    await waitForText(page, byId("mended"), "The earlier messages are not here any more");
  }),

  "an account that nothing opens is restored in its place": journey({ scene: "lostKeys" }, async (page) => {
    await waitForText(page, byId("lost-reason"), "missing or damaged");
    assert.equal(await page.locator(byId("lost-without")).count(), 0);
    await page.click(byId("lost-code"));
    await page.getByText("nothing of them is deleted").waitFor();
    await page.click(byId("lost-confirm"));
    await waitForFocus(page, "code-input");
    await page.waitForSelector(byId("restore-do"));
  }),

  "damage at work is told at once and mended by a restart": journey({}, async (page) => {
    await openChat(page, 2);
    await page.keyboard.type("Half a thought");
    await page.evaluate(() => {
      window.relevoFake?.setOnline(false, null);
      window.relevoFake?.emit({ type: "databaseDamaged" });
    });
    await waitForText(page, byId("damaged-banner"), "A restart mends what can be mended");
    await page.click(byId("damaged-restart"));
    await waitForText(page, byId("damaged-restart"), "is restarting");
    await waitForCall(page, "restart");
    const called = await names(page);
    assert.ok(called.indexOf("saveDraft") < called.indexOf("restart"), called.join());
  }),

  "a newer version is asked for in words": journey({ scene: "newer" }, async (page) => {
    await page.getByRole("heading", { name: "need a newer Relevo" }).waitFor();
    await page.getByText("Nothing was changed").waitFor();
  }),
};
