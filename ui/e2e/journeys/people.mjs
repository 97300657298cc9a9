/** Who may write, who is there, and whether it is really them. */
import assert from "node:assert/strict";
import { byId } from "../browser.mjs";
import { chooseInMenu, handOver, journey, openChat, photo, waitForFocus, waitForText } from "../steps.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @param {number} key */
const row = (key) => `${byId("conversation-item")}[data-key="${key}"]`;

export const people = {
  "a request is accepted by keyboard": journey({ scene: "people" }, async (page) => {
    await waitForText(page, `${row(20)} ${byId("standing-mark")}`, "Wants to write");
    await page.click(row(20));
    await waitForFocus(page, "request-bar");
    assert.equal(await page.locator(byId("composer-input")).count(), 0);
    await waitForText(page, byId("request-bar"), "pqozjyqa");
    await page.keyboard.press("Enter");
    await page.keyboard.press("x");
    await waitForFocus(page, "request-bar");
    await page.keyboard.press("Tab");
    await waitForFocus(page, "request-accept");
    await page.keyboard.press("Enter");
    await waitForFocus(page, "composer-input");
    await waitForText(page, `${byId("message")}[data-kind="system"]`, "You accepted");
    await page.locator(`${row(20)} ${byId("standing-mark")}`).waitFor({ state: "detached" });
  }),

  "a request is deleted, and another one blocked, after a question": journey(
    { scene: "people" },
    async (page) => {
      await page.click(row(20));
      await page.click(byId("request-decline"));
      await page.getByText("cannot ask to write to you again for 30 days").waitFor();
      await page.keyboard.press("Escape");
      await waitForFocus(page, "request-decline");
      await page.click(byId("request-decline"));
      await page.click(byId("decline-confirm"));
      await page.locator(row(20)).waitFor({ state: "detached" });
      await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "option");

      await page.click(row(21));
      await waitForText(page, byId("looks-like"), "Ana Morales");
      await page.click(byId("request-block"));
      await page.keyboard.press("Escape");
      await waitForFocus(page, "request-block");
      await page.click(byId("request-block"));
      await page.click(byId("block-confirm"));
      await page.locator(row(21)).waitFor({ state: "detached" });
      await page.click(byId("settings-open"));
      await page.click('[data-tab="privacy"]');
      await waitForText(page, byId("blocked-account"), "Ana Moraies");
    },
  ),

  "whoever asks too many sees when the relay takes the next request": journey({}, async (page) => {
    await openChat(page, 3);
    assert.equal(await page.locator(byId("held-line")).count(), 0);
    await page.evaluate(() => window.relevoFake?.hold(3, 30));
    await waitForText(page, byId("held-line"), "goes out by itself");
    await page.keyboard.type("Hello");
    await page.keyboard.press("Enter");
    await page.waitForSelector(byId("message"));
    await page.evaluate(() => window.relevoFake?.hold(3, null));
    await page.locator(byId("held-line")).waitFor({ state: "detached" });
  }),

  "whoever asked may write a little": journey({ scene: "people" }, async (page) => {
    await openChat(page, 22);
    await waitForText(page, byId("asked-line"), "1 more message");
    await page.keyboard.type("Thank you");
    await page.keyboard.press("Enter");
    await waitForText(page, byId("asked-line"), "has to accept before you can write more");
    assert.equal(await page.isDisabled(byId("composer-input")), true);
    await page.waitForSelector(`${byId("message")}[data-state="sent"] >> nth=2`);
  }),

  "somebody is found by a short name and asked": journey({}, async (page) => {
    await page.click(byId("new-chat"));
    await page.click(byId("open-handle"));
    await page.keyboard.type("nobody");
    await page.keyboard.press("Enter");
    await page.locator("[aria-invalid=true]").waitFor();
    await page.fill(byId("handle-input"), "@luis.vega");
    await page.keyboard.press("Enter");
    await waitForText(page, byId("conversation-title"), "@luis.vega");
    await waitForText(page, byId("asked-line"), "3 more messages");
  }),

  "blocking from the menu, and ending it": journey({}, async (page) => {
    await openChat(page, 2);
    await chooseInMenu(page, /Block/);
    await page.click(byId("block-confirm"));
    await page.waitForSelector(byId("blocked-bar"));
    await waitForText(page, `${row(2)} ${byId("standing-mark")}`, "Blocked");
    await page.click(byId("unblock"));
    await waitForFocus(page, "composer-input");
  }),

  "the menu is walked with the arrows and gives the focus back": journey({}, async (page) => {
    await openChat(page, 1);
    await page.focus(byId("conversation-menu"));
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Safety number" }).waitFor();
    await page.keyboard.press("ArrowUp");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent?.trim()), "Block");
    await page.keyboard.press("Escape");
    await waitForFocus(page, "conversation-menu");
  }),

  "a message is read, and its details say when": journey({}, async (page) => {
    await openChat(page, 1);
    await page.keyboard.type("Did you see this?");
    const read = `${byId("message")}[data-state="read"]`;
    // both stand there only until the answer comes
    const writing = Promise.all([
      waitForText(page, byId("conversation-status"), "Writing"),
      waitForText(page, `${row(1)} .preview`, "Writing"),
    ]);
    await page.keyboard.press("Enter");
    await writing;
    await page.waitForSelector(read);
    assert.match((await page.getAttribute(read, "aria-label")) ?? "", /Read/);
    await page.focus(read);
    await page.keyboard.press("Shift+F10");
    await page.getByRole("menuitem", { name: "Details" }).click();
    await waitForText(page, byId("message-details"), /Read.*at \d+:24:00/s);
    await page.keyboard.press("Escape");
    await waitForFocus(page, "message");
    await waitForText(page, byId("conversation-status"), "Online");
  }),

  "nobody is shown as online while we are offline": journey({}, async (page) => {
    await openChat(page, 1);
    await waitForText(page, byId("conversation-status"), "Online");
    await page.evaluate(() => window.relevoFake?.setOnline(false));
    await waitForText(page, byId("conversation-status"), "Not known while you are offline");
    await page.waitForSelector(`${row(1)} ${byId("presence-dot")}.hollow`);
    await page.evaluate(() => window.relevoFake?.setOnline(true));
    await waitForText(page, byId("conversation-status"), "Online");
  }),

  "somebody who is idle or busy is shown so, in form and in words": journey({}, async (page) => {
    await page.waitForSelector(`${row(6)} ${byId("presence-dot")}.idle`);
    await page.waitForSelector(`${row(7)} ${byId("presence-dot")}.doNotDisturb`);
    await openChat(page, 6);
    await waitForText(page, byId("conversation-status"), /^Idle/);
    await waitForText(page, byId("status-said"), "Back at half past three");
    await page.evaluate(() => window.relevoFake?.setOnline(false));
    await waitForText(page, byId("conversation-status"), "Not known while you are offline");
    await page.locator(byId("status-said")).waitFor({ state: "detached" });
  }),

  "a device that was removed takes no message, and says what can be done": journey({}, async (page) => {
    await openChat(page, 1);
    await page.keyboard.type("half a thought");
    await page.evaluate(() => window.relevoFake?.setOnline(false, "revoked"));
    await waitForFocus(page, "removed-bar");
    await waitForText(page, byId("removed-bar"), "restore there with your 24 words");
    assert.equal(await page.locator(byId("composer-input")).count(), 0);
    await waitForText(page, byId("banner"), "write where you restored it");
    await page.click(row(2));
    await page.waitForSelector(byId("removed-bar"));
    assert.equal(await page.locator(byId("composer-input")).count(), 0);
  }),

  "a safety number is compared by picture, by text and by eye": journey({}, async (page) => {
    await openChat(page, 2);
    await chooseInMenu(page, /Safety/);
    const picture = await photo(page);
    await page.setInputFiles(byId("picture-file"), {
      name: "code.png",
      mimeType: "image/png",
      buffer: picture,
    });
    await waitForText(page, byId("safety-result"), "The numbers are the same");
    await page.waitForSelector(`${row(2)} ${byId("verified")}`);
    await page.click(byId("safety-unmark"));
    await page.locator(`${row(2)} ${byId("verified")}`).waitFor({ state: "detached" });

    await page.fill(byId("safety-input"), "12345 ".repeat(12));
    await page.click(byId("safety-compare"));
    await waitForText(page, byId("safety-result"), "The numbers are different");
    await page.fill(byId("safety-input"), "12345");
    await page.click(byId("safety-compare"));
    await page.locator("[aria-invalid=true]").waitFor();
    await page.click(byId("safety-by-eye"));
    await page.waitForSelector(byId("safety-verified"));
    await page.keyboard.press("Escape");
    await page.click(byId("verified-open"));
    await page.waitForSelector(byId("safety-verified"));
  }),

  "a picture that is none, or has no code, is told": journey({}, async (page) => {
    await page.click(byId("new-chat"));
    await page.click(byId("open-link"));
    const file = byId("picture-file");
    await page.setInputFiles(file, {
      name: "a.png",
      mimeType: "image/png",
      buffer: Buffer.from("no picture"),
    });
    await page.getByText("not a picture that can be opened").waitFor();
    const window = await page.screenshot();
    await page.setInputFiles(file, { name: "b.png", mimeType: "image/png", buffer: window });
    await page.getByText("no readable code in this picture").waitFor();
    await page.fill(byId("invite-link-input"), "relevo://relay.example.org/contact/9f8e7d6c");
    await page.waitForSelector(byId("invite-summary"));
  }),

  "a card is shown, and read again from its picture": journey({}, async (page) => {
    await page.click(byId("new-chat"));
    await page.click(byId("invite-someone"));
    await page.click('[data-tab="contact"]');
    await page.waitForFunction(
      (selector) => document.querySelector(selector)?.getAttribute("alt")?.includes("card"),
      byId("qr-picture"),
    );
    const picture = await photo(page);
    await page.keyboard.press("Escape");
    for (const how of /** @type {const} */ (["drop", "paste"])) {
      await page.click(byId("new-chat"));
      await page.click(byId("open-link"));
      await handOver(page, how, picture, byId("invite-link-input"));
      await waitForText(page, byId("invite-summary"), "adds a person");
      await page.keyboard.press("Escape");
    }
    await page.evaluate(async (bytes) => {
      const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
      const blob = new Blob([content], { type: "image/png" });
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    }, picture.toString("base64"));
    await page.click(byId("new-chat"));
    await page.click(byId("open-link"));
    await page.getByRole("button", { name: "Paste", exact: true }).click();
    await waitForText(page, byId("invite-summary"), "adds a person");
  }),

  "a link is ended": journey({}, async (page) => {
    await page.click(byId("settings-open"));
    await page.click('[data-tab="account"]');
    await page.click(byId("links-open"));
    await page.waitForSelector(`${byId("issued-link")} >> nth=1`);
    await page.getByRole("button", { name: /^End: .*Invite/ }).click();
    await page.locator(byId("issued-link")).nth(1).waitFor({ state: "detached" });
    assert.match((await page.innerText(byId("issued-link"))).trim(), /^My card/);
  }),
};
