/** What the journeys have in common. */
import assert from "node:assert/strict";
import { byId, open } from "./browser.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("./browser.mjs").Look} Look */

export const LINK = "relevo://relay.example.org/i/k7Qm2xV9k7Qm2xV9";

/** @param {Page} page @param {string} selector @param {string | RegExp} text */
export async function waitForText(page, selector, text) {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

/** @param {Page} page */
export const focusedId = (page) => page.evaluate(() => document.activeElement?.getAttribute("data-testid"));

/** @param {Page} page @param {number} key */
export async function openChat(page, key) {
  await page.click(`${byId("conversation-item")}[data-key="${key}"]`);
  await page.waitForSelector(byId("composer-input"));
}

/** @param {Page} page @param {string} id @param {string} expected */
export async function waitForFocus(page, id, expected = id) {
  await page.waitForFunction(
    (wanted) => document.activeElement?.getAttribute("data-testid") === wanted,
    expected,
  );
}

/**
 * @param {Look} look
 * @param {(page: Page) => Promise<void>} steps
 * @returns {(browser: import("playwright-core").Browser, address: string) => Promise<void>}
 */
export function journey(look, steps) {
  return async (browser, address) => {
    const window = await open(browser, address, look);
    try {
      await steps(window.page);
      assert.deepEqual(window.problems, []);
    } finally {
      await window.close();
    }
  };
}

/**
 * The code that is on the screen, as a photo of it would be.
 *
 * @param {Page} page
 */
export async function photo(page) {
  await page.waitForSelector(byId("qr-picture"));
  return page.locator(byId("qr-picture")).screenshot();
}

/**
 * Drops or pastes a picture where the focus is, as the system would hand it over.
 *
 * @param {Page} page @param {"drop" | "paste"} how @param {Buffer} picture @param {string} selector
 */
export async function handOver(page, how, picture, selector) {
  await page.evaluate(
    async ([kind, bytes, target]) => {
      const data = new DataTransfer();
      const letters = atob(String(bytes));
      const content = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
      data.items.add(new File([content], "code.png", { type: "image/png" }));
      const event =
        kind === "drop"
          ? new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data })
          : new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data });
      document.querySelector(String(target))?.dispatchEvent(event);
    },
    [how, picture.toString("base64"), selector],
  );
}

/** @param {Page} page @param {RegExp} item */
export async function chooseInMenu(page, item) {
  await page.click(byId("conversation-menu"));
  await page.getByRole("menuitem", { name: item }).click();
}
