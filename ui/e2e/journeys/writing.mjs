/** From the invite to the messages. */
import assert from "node:assert/strict";
import { byId } from "../browser.mjs";
import { focusedId, journey, LINK, openChat, waitForFocus, waitForText } from "../steps.mjs";

/** The relay has it, and an answer may have come as well. */
const ARRIVED = ':is([data-state="delivered"], [data-state="read"])';

export const writing = {
  "Escape goes back one step at a time on the first screens": journey({ scene: "firstRun" }, async (page) => {
    await page.click(byId("first-run-add-device"));
    await page.click(byId("restore-open"));
    await page.fill(byId("code-input"), "half of a code");
    await page.keyboard.press("Escape");
    await page.waitForSelector(byId("restore-open"));
    await page.keyboard.press("Escape");
    await waitForFocus(page, "first-run-add-device");
    await page.keyboard.press("Escape");
    await waitForFocus(page, "first-run-add-device");
    await page.click(byId("first-run-invite"));
    await page.fill(byId("invite-link-input"), LINK);
    await page.click(byId("invite-continue"));
    await page.waitForSelector(byId("name-input"));
    await page.keyboard.press("Escape");
    // What was written is still there.
    assert.equal(await page.inputValue(byId("invite-link-input")), LINK);
    await page.keyboard.press("Escape");
    await waitForFocus(page, "first-run-invite");
  }),

  "three steps from the invite to the first message": journey({ scene: "firstRun" }, async (page) => {
    await page.click(byId("first-run-invite"));
    await page.fill(byId("invite-link-input"), "something else");
    await page.locator("[aria-invalid=true]").waitFor();
    await page.fill(byId("invite-link-input"), LINK);
    await waitForText(page, byId("invite-summary"), "relay.example.org");
    await page.click(byId("invite-continue"));
    await page.fill(byId("name-input"), "Sam");
    await page.click(byId("create-account"));
    await openChat(page, 1);
    await page.keyboard.type("Hello!");
    await page.keyboard.press("Enter");
    await page.waitForSelector(`${byId("message")}[data-mine="true"]${ARRIVED}`);
    await waitForText(page, `${byId("message")}[data-mine="false"]`, "Sounds good");
    assert.equal(await page.inputValue(byId("composer-input")), "");
  }),

  "without a keyring the choice is asked": journey({ scene: "noKeyring" }, async (page) => {
    await page.click(byId("first-run-invite"));
    await page.fill(byId("invite-link-input"), LINK);
    await page.click(byId("invite-continue"));
    await page.fill(byId("name-input"), "Sam");
    assert.equal(await page.isDisabled(byId("create-account")), true);
    await page.fill(byId("passphrase-input"), "correct horse");
    await page.fill(byId("passphrase-repeat"), "correct horse");
    assert.equal(await page.isDisabled(byId("create-account")), false);
    await page.check(byId("protection-unprotected"));
    await page.click(byId("create-account"));
    await page.waitForSelector(byId("conversation-item"));
  }),

  "the passphrase unlocks": journey({ scene: "locked" }, async (page) => {
    await waitForFocus(page, "unlock-input");
    await page.keyboard.type("wrong one");
    await page.keyboard.press("Enter");
    await page.waitForSelector(byId("error-text"));
    await page.fill(byId("unlock-input"), "correct horse");
    await page.click(byId("unlock-button"));
    await page.waitForSelector(byId("conversation-item"));
  }),

  "a profile that another window has says so": journey({ scene: "inUse" }, async (page) => {
    await waitForText(page, byId("error-text"), "already open with these messages");
    await page.click(byId("stopped-retry"));
    await waitForText(page, byId("error-text"), "already open with these messages");
  }),

  "a slow start says what it does": journey({ latency: 4000 }, async (page) => {
    const shown = await page.getByText("Opening your messages").evaluate(async (element) => {
      const [appearing] = element.getAnimations();
      await appearing?.finished;
      return [appearing?.effect?.getTiming().delay, getComputedStyle(element).opacity];
    });
    assert.deepEqual(shown, [1000, "1"]);
    await page.waitForSelector(byId("conversation-item"));
  }),

  "everything by keyboard": journey({}, async (page) => {
    await page.waitForSelector(byId("conversation-item"));
    await page.keyboard.press("Control+k");
    await page.keyboard.type("barthol");
    await page.keyboard.press("Enter");
    await waitForFocus(page, "composer-input");
    await page.keyboard.type("one");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("two");
    await page.keyboard.press("Enter");
    await waitForText(page, `${byId("message")}[data-mine="true"]`, "one\ntwo");
    await waitForFocus(page, "composer-input");

    // To the messages and through them, then typing goes back to the composer.
    await page.keyboard.press("Shift+F6");
    await waitForFocus(page, "message");
    await page.keyboard.press("ArrowUp");
    assert.equal(await focusedId(page), "message");
    await page.keyboard.press("x");
    await waitForFocus(page, "composer-input");
    assert.equal(await page.inputValue(byId("composer-input")), "x");

    await page.keyboard.press("Control+,");
    await page.waitForSelector("dialog[open]");
    await page.keyboard.press("Escape");
    await waitForFocus(page, "composer-input");
    assert.equal(await page.locator("dialog").count(), 0);

    const title = byId("conversation-title");
    const first = await page.innerText(title);
    await page.keyboard.press("Alt+ArrowDown");
    await page.waitForFunction(
      ([selector, text]) => document.querySelector(selector ?? "")?.textContent !== text,
      [title, first],
    );
    await page.keyboard.press("Control+2");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "option");
    assert.equal(await page.locator(title).count(), 0);
  }),

  "Enter inside a composition does not send": journey({}, async (page) => {
    await openChat(page, 2);
    await page.fill(byId("composer-input"), "にほ");
    const count = await page.locator(byId("message")).count();
    await page.dispatchEvent(byId("composer-input"), "keydown", { key: "Enter", isComposing: true });
    assert.equal(await page.inputValue(byId("composer-input")), "にほ");
    assert.equal(await page.locator(byId("message")).count(), count);
  }),

  "a rejected message stays in the field": journey({}, async (page) => {
    await openChat(page, 2);
    await page.evaluate(() => window.relevoFake?.failNext("sendText", { code: "diskFull", detail: null }));
    await page.fill(byId("composer-input"), "Keep me");
    await page.keyboard.press("Enter");
    await waitForText(page, byId("error-text"), "disk is full");
    assert.equal(await page.inputValue(byId("composer-input")), "Keep me");
    await page.keyboard.press("Enter");
    await waitForText(page, `${byId("message")}${ARRIVED}`, "Keep me");
  }),

  "a failed message can be sent again or deleted": journey({}, async (page) => {
    await openChat(page, 2);
    const failed = page.locator(`${byId("message")}[data-state="failed"]`);
    await failed.getByRole("button", { name: "Try again" }).click();
    await failed.waitFor({ state: "detached" });
  }),

  "a message has a menu, by keyboard too": journey({}, async (page) => {
    await openChat(page, 2);
    await page.click(`${byId("message")}[data-mine="true"] >> nth=0`, { button: "right" });
    await page.getByRole("menuitem", { name: "Copy the text" }).click();
    await page.waitForFunction(
      async () => (await navigator.clipboard.readText()) === "That does not fit on a door sign.",
    );
    await page.focus(`${byId("message")}[data-state="failed"]`);
    await page.keyboard.press("Shift+F10");
    await page.getByRole("menuitem", { name: "Delete" }).waitFor();
    await page.keyboard.press("Escape");
    await waitForFocus(page, "message");
    assert.equal(await page.locator(byId("composer-input")).count(), 1);
  }),

  "a draft waits in the list": journey({}, async (page) => {
    await openChat(page, 2);
    await page.keyboard.type("not yet");
    await openChat(page, 1);
    await waitForText(page, `${byId("conversation-item")}[data-key="2"]`, "not yet");
    await openChat(page, 2);
    assert.equal(await page.inputValue(byId("composer-input")), "not yet");
  }),
};
