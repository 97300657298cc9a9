/** What keeps an account and its messages: the recovery code, the ways in, copies and backups. */
import assert from "node:assert/strict";
import { byId } from "../browser.mjs";
import { chooseInMenu, handOver, journey, openChat, photo, waitForFocus, waitForText } from "../steps.mjs";

const WORDS =
  "anchor velvet puzzle ocean ribbon garden cactus lemon window forest marble tunnel copper meadow lantern pigeon saddle violin walnut yellow zebra hammer island jacket";
/** What the picture of the code says: one word, for which forms must not wait for 24. */
const PICTURE_TEXT = `relevo:r#${WORDS.replaceAll(" ", "")}`;

/**
 * The picture of the recovery code, taken where it is written down.
 *
 * @param {import("playwright-core").Page} page @param {string} next the scene in which it is used
 */
async function takePicture(page, next) {
  await page.click(byId("recovery-show"));
  await page.click(byId("recovery-reveal"));
  const picture = await photo(page);
  const { origin } = new URL(page.url());
  await page.goto(`${origin}/?scene=${next}&clock=fixed&latency=5`);
  await page.waitForFunction(() => window.relevoFake !== undefined);
  await page.evaluate((text) => window.relevoFake?.know(text), PICTURE_TEXT);
  return picture;
}

export const keeping = {
  "the recovery code is put off, then written down for good": journey({ scene: "due" }, async (page) => {
    await page.click(byId("recovery-later"));
    await page.locator(byId("recovery-banner")).waitFor({ state: "detached" });
    await page.reload();
    await page.waitForSelector(byId("conversation-item"));
    assert.equal(await page.locator(byId("recovery-banner")).count(), 0);

    await page.click(byId("settings-open"));
    await page.click('[data-tab="protection"]');
    await page.click(byId("recovery-open"));
    await page.click(byId("recovery-reveal"));
    await waitForFocus(page, "recovery-words");
    assert.equal(await page.locator(`${byId("recovery-words")} li`).count(), 24);
    await page.click(byId("recovery-written"));
    await waitForFocus(page, "recovery-word-1");
    await page.keyboard.type("ocean");
    await page.fill(byId("recovery-word-2"), "ocean");
    await page.keyboard.press("Enter");
    await waitForText(page, byId("error-text"), "not the right word");
    await page.fill(byId("recovery-word-2"), "Walnut");
    await page.keyboard.press("Enter");
    await page.waitForSelector(byId("recovery-done"));
    await waitForFocus(page, "recovery-finish");
    await page.keyboard.press("Enter");
    await page.click(byId("settings-open"));
    await page.click('[data-tab="protection"]');
    await page.getByText("You wrote it down and confirmed it").waitFor();
    assert.equal(await page.locator(byId("recovery-open")).count(), 0);
  }),

  "an account is restored with words from a picture and a backup": journey(
    { scene: "firstRun" },
    async (page) => {
      await page.click(byId("first-run-add-device"));
      await page.click(byId("restore-open"));
      await waitForFocus(page, "code-input");
      await page.keyboard.type("just three words");
      await page.getByText("3 words of 24").waitFor();
      assert.equal(await page.isDisabled(byId("restore-do")), true);
      await page.fill(byId("code-input"), WORDS.replace("velvet", "velvit"));
      await page.fill(byId("restore-relay"), "other.example.net");
      await page.click(byId("restore-do"));
      await waitForText(page, byId("restore-warning"), "removed from the account");
      await waitForFocus(page, "restore-sure");
      await page.keyboard.press("Enter");
      await page.getByText("These words do not fit together").waitFor();
      await page.fill(byId("code-input"), WORDS);
      await page.fill(byId("restore-relay"), "not an address");
      await page.click(byId("restore-sure"));
      await page.getByText("This is not the address of a relay").waitFor();
      await page.fill(byId("restore-relay"), "other.example.net");
      await page.click(byId("restore-sure"));
      await page.getByText("this relay knows no account of them").waitFor();
      await page.fill(byId("restore-relay"), "relay.example.org");
      await page.click(byId("folder-choose"));
      await page.waitForFunction(
        (selector) => document.querySelector(selector)?.getAttribute("aria-invalid") === "false",
        byId("folder-input"),
      );
      // it stands there only until the account is back
      const patience = page.getByText("Leave the window open").waitFor();
      await page.click(byId("restore-sure"));
      await patience;
      await page.waitForSelector(byId("conversation-item"));
    },
  ),

  "a picture of the words opens a locked profile": journey({ scene: "due" }, async (page) => {
    const picture = await takePicture(page, "lockedOut");
    await waitForText(page, byId("keyring-trouble"), "The password store is locked");
    await page.getByText("With the recovery code").click();
    await handOver(page, "drop", picture, byId("code-input"));
    await page.waitForFunction(
      (selector) => document.querySelector(`${selector}:enabled`) !== null,
      byId("unlock-with-code"),
    );
    await page.click(byId("unlock-with-code"));
    await page.waitForSelector(byId("conversation-item"));
  }),

  "a picture of the words restores an account, and says where the relay is": journey(
    { scene: "due" },
    async (page) => {
      const picture = await takePicture(page, "firstRun");
      await page.click(byId("first-run-add-device"));
      await page.click(byId("restore-open"));
      await page.fill(byId("code-input"), PICTURE_TEXT.slice(0, -3));
      await page.click(byId("restore-do"));
      await page.click(byId("restore-sure"));
      await page.getByText("The text of this code is not complete").waitFor();
      await page.fill(byId("code-input"), "");
      await handOver(page, "paste", picture, byId("code-input"));
      await page.getByText("read from its picture").waitFor();
      assert.equal(await page.locator(byId("restore-relay")).count(), 0);
      await page.click(byId("restore-sure"));
      await page.waitForSelector(byId("conversation-item"));
    },
  ),

  "a picture of the words starts a backup": journey({ scene: "due" }, async (page) => {
    const picture = await takePicture(page, "chats");
    await page.click(byId("settings-open"));
    await page.click('[data-tab="health"]');
    await page.click(byId("backup-choose"));
    await waitForFocus(page, "code-input");
    await handOver(page, "drop", picture, byId("code-input"));
    await page.getByText("read from its picture").waitFor();
    await page.click(byId("backup-start"));
    await waitForText(page, byId("backup-last"), "today");
  }),

  "a keyring in trouble leaves other ways in": journey({ scene: "keyringFailed" }, async (page) => {
    await waitForText(page, byId("keyring-trouble"), "did not answer");
    await page.click(byId("stopped-retry"));
    await waitForText(page, byId("keyring-trouble"), "did not answer");
    await page.fill(byId("code-input"), WORDS);
    await page.click(byId("unlock-with-code"));
    await page.waitForSelector(byId("conversation-item"));
  }),

  "ways in are added and removed, but not the last": journey({}, async (page) => {
    await page.click(byId("settings-open"));
    await page.click('[data-tab="protection"]');
    await page.click(byId("passphrase-write"));
    await waitForFocus(page, "passphrase-input");
    await page.keyboard.type("correct horse");
    await page.fill(byId("passphrase-repeat"), "correct horse");
    await page.keyboard.press("Enter");
    await page.waitForSelector(byId("passphrase-saved"));
    await page.getByRole("button", { name: /^Remove: .*Password store/ }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator(byId("way-remove")).waitFor({ state: "detached" });
    assert.equal(await page.locator(byId("way-in")).count(), 3);
    await page.getByRole("button", { name: /^Remove: .*Password store/ }).click();
    await page.click(byId("way-remove"));
    await page.getByRole("button", { name: /^Remove: .*Recovery code/ }).click();
    await page.click(byId("way-remove"));
    await page.waitForSelector(byId("last-way"));
    assert.equal(await page.getByRole("button", { name: /^Remove: / }).isDisabled(), true);
  }),

  "the recovery code that was removed is a way in again": journey({}, async (page) => {
    await page.click(byId("settings-open"));
    await page.click('[data-tab="protection"]');
    assert.equal(await page.locator(byId("code-way-add")).count(), 0);
    await page.getByRole("button", { name: /^Remove: .*Recovery code/ }).click();
    await page.click(byId("way-remove"));
    await page.click(byId("code-way-add"));
    await waitForFocus(page, "code-input");
    assert.equal(await page.isDisabled(byId("code-way-save")), true);
    await page.fill(byId("code-input"), WORDS.replace("velvet", "ocean"));
    await page.click(byId("code-way-save"));
    await page.locator('[aria-invalid="true"]').waitFor();
    await page.fill(byId("code-input"), WORDS);
    await page.keyboard.press("Tab");
    await page.click(byId("code-way-save"));
    await waitForText(page, byId("code-way-saved"), "opens your messages");
    await page.waitForSelector('[data-testid="way-in"][data-kind="recovery"]');
  }),

  "damage is told once it was read": journey({ scene: "copy" }, async (page) => {
    await waitForText(page, byId("mended"), "went back to the copy of");
    await waitForText(page, byId("mended-kept"), "12 chats are here");
    await waitForText(page, byId("mended-kept"), "How many messages are missing cannot be known");
    await page.keyboard.press("Escape");
    await page.locator(byId("mended")).waitFor({ state: "detached" });
    await page.reload();
    await page.click(byId("mended-understood"));
    await page.locator(byId("mended")).waitFor({ state: "detached" });
    assert.equal(
      await page.evaluate(() => window.relevoFake?.calls.some((call) => call.name === "acknowledgeMended")),
      true,
    );
    await page.click(byId("settings-open"));
    await page.click('[data-tab="health"]');
    await waitForText(page, byId("damaged"), "quarantine-");
    // nobody can count what a damaged file had
    await waitForText(page, byId("health-facts"), "Messages may be missing");
    await page.click(byId("damaged-ask"));
    await page.click(byId("damaged-discard"));
    await page.locator(byId("damaged")).waitFor({ state: "detached" });
    await waitForText(page, byId("health-facts"), "No messages are missing");
  }),

  "a backup is started, made and tested": journey({}, async (page) => {
    await page.click(byId("settings-open"));
    await page.click('[data-tab="health"]');
    await waitForText(page, byId("health-facts"), "0 messages could not be opened in the last 30 days");
    await page.click(byId("backup-choose"));
    await waitForFocus(page, "code-input");
    await page.fill(byId("code-input"), WORDS);
    await page.click(byId("backup-start"));
    await waitForText(page, byId("backup-last"), "today");
    await waitForText(page, byId("backup-test"), "never tested");
    await page.click(byId("backup-test-now"));
    await waitForText(page, byId("backup-test"), "OK");
    await page.evaluate(() => window.relevoFake?.failNext("backupNow", { code: "diskFull", detail: null }));
    await page.click(byId("backup-now"));
    await waitForText(page, byId("error-text"), "disk is full");
    await page.click(byId("backup-stop"));
    await page.getByText("No backup folder").waitFor();
  }),

  "a backup that fails for days is said, and goes elsewhere": journey(
    { scene: "backupTrouble" },
    async (page) => {
      await waitForText(page, byId("backup-banner"), "No backup since");
      await page.click(byId("settings-open"));
      await page.click('[data-tab="health"]');
      await waitForText(page, byId("backup-aside"), "An earlier backup was set aside");
      await waitForText(page, byId("backup-aside"), "/media/sam/Gone/relevo-earlier-1");
      await page.keyboard.press("Escape");
      await page.click(byId("backup-elsewhere"));
      await page.locator(`${byId("backup-start")}:enabled`).waitFor();
      assert.equal(await page.inputValue(byId("folder-input")), "/media/sam/Backup disk/Relevo");
      // It stays locked as it was.
      assert.equal(await page.locator(byId("code-input")).count(), 0);
      await page.click(byId("backup-start"));
      await waitForText(page, byId("backup-last"), "today");
      await page.keyboard.press("Escape");
      await page.locator(byId("backup-banner")).waitFor({ state: "detached" });
    },
  ),

  "what a backup has comes back once": journey({}, async (page) => {
    await openChat(page, 1);
    for (const said of ["1 message came back", "Nothing is missing here"]) {
      await page.click(byId("settings-open"));
      await page.click('[data-tab="health"]');
      await page.click(byId("bring-back-choose"));
      await waitForFocus(page, "code-input");
      assert.equal(await page.isDisabled(byId("bring-back-do")), true);
      await page.fill(byId("code-input"), WORDS);
      await page.click(byId("bring-back-do"));
      await waitForText(page, byId("bring-back-done"), said);
      await page.keyboard.press("Escape");
      await page.getByText("From the backup").first().waitFor();
    }
  }),

  "a chat is exported": journey({}, async (page) => {
    await openChat(page, 1);
    await chooseInMenu(page, /Export/);
    assert.equal(await page.isDisabled(byId("export-do")), true);
    await page.getByRole("radio", { name: /^Text/ }).check();
    await page.click(byId("folder-choose"));
    await page.click(byId("export-do"));
    await waitForText(page, byId("export-done"), "Ana-Morales.md");
  }),
};
