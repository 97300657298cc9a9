/** What people do, step by step, in the built window. Each journey starts with a fresh window. */
import assert from "node:assert/strict";
import { byId, open } from "./browser.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("./browser.mjs").Look} Look */

const LINK = "relevo://relay.example.org/i/k7Qm2xV9k7Qm2xV9";

/** @param {Page} page @param {string} selector @param {string | RegExp} text */
async function waitForText(page, selector, text) {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

/** @param {Page} page */
const focusedId = (page) => page.evaluate(() => document.activeElement?.getAttribute("data-testid"));

/** @param {Page} page @param {number} key */
async function openChat(page, key) {
  await page.click(`${byId("conversation-item")}[data-key="${key}"]`);
  await page.waitForSelector(byId("composer-input"));
}

/** @param {Page} page @param {string} id @param {string} expected */
async function waitForFocus(page, id, expected = id) {
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
function journey(look, steps) {
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

export const journeys = {
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
    await page.waitForSelector(`${byId("message")}[data-mine="true"][data-state="delivered"]`);
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
    const [before, after] = await page.getByText("Opening your messages").evaluate(async (element) => {
      const first = getComputedStyle(element).opacity;
      await Promise.all(element.getAnimations().map((animation) => animation.finished));
      return [first, getComputedStyle(element).opacity];
    });
    assert.deepEqual([before, after], ["0", "1"]);
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
    await waitForText(page, `${byId("message")}[data-state="delivered"]`, "Keep me");
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

  "the banner appears late and leads back": journey({}, async (page) => {
    await openChat(page, 3);
    await page.evaluate(() => window.relevoFake?.setOnline(false, "relayUnreachable"));
    await page.keyboard.type("Later");
    await page.keyboard.press("Enter");
    await page.waitForSelector(`${byId("message")}[data-state="queued"]`);
    assert.equal(await page.locator(byId("banner")).count(), 0);
    await waitForText(page, byId("banner"), "(2 waiting)");
    await page.locator(byId("banner")).getByRole("button").click();
    await page.locator(byId("banner")).waitFor({ state: "detached" });
    await page.waitForSelector(`${byId("message")}[data-state="delivered"]`);
  }),

  "whoever types or points is there": journey({}, async (page) => {
    await openChat(page, 2);
    const badge = page.locator(`${byId("conversation-item")}[data-key="2"] .unread`);
    for (const use of [() => page.keyboard.press("Shift"), () => page.click(byId("conversation-title"))]) {
      await page.evaluate(() => {
        document.hasFocus = () => false;
        window.dispatchEvent(new Event("blur"));
        window.relevoFake?.receive(2, "Are you there?");
      });
      await badge.waitFor();
      await use();
      await badge.waitFor({ state: "detached" });
    }
  }),

  "a long history scrolls without a jump": journey({}, async (page) => {
    await openChat(page, 5);
    await page.waitForSelector(byId("unread-divider"));
    const top = await page
      .locator(byId("unread-divider"))
      .evaluate((element) => element.getBoundingClientRect().top);
    assert.ok(top > 60 && top < 360, `the divider is at ${top}`);

    /** How far the topmost visible message moved beyond what was scrolled. */
    const jump = () =>
      page.evaluate(async () => {
        const scroller = document.querySelector('[role="log"]');
        if (!scroller) throw new Error("no timeline");
        const edge = scroller.getBoundingClientRect().top;
        const row = [...scroller.querySelectorAll("[data-row]")].find(
          (candidate) => candidate.getBoundingClientRect().top > edge + 10,
        );
        if (!row) throw new Error("no message on the screen");
        const before = row.getBoundingClientRect().top;
        const moved = Math.min(500, scroller.scrollTop);
        scroller.scrollTop -= moved;
        await new Promise((resolve) => setTimeout(resolve, 120));
        return Math.abs(row.getBoundingClientRect().top - before - moved);
      });
    let most = 0;
    for (let turn = 0; turn < 60; turn += 1) {
      const distance = await jump();
      assert.ok(distance < 2, `the page jumped by ${distance} px in turn ${turn}`);
      most = Math.max(most, await page.locator(byId("message")).count());
    }
    assert.ok(most > 200 && most <= 420, `${most} messages were drawn`);

    await page.click(byId("jump-to-end"));
    await waitForText(page, `${byId("message")}:last-of-type`, "1200");
    await page.waitForFunction(() => {
      const scroller = document.querySelector('[role="log"]');
      return scroller && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 5;
    });
  }),

  "new messages keep the end in view, and only there": journey({}, async (page) => {
    await openChat(page, 4);
    const distance = () =>
      page.evaluate(() => {
        const scroller = document.querySelector('[role="log"]');
        return scroller ? scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight : -1;
      });
    await page.waitForTimeout(100);
    assert.ok((await distance()) < 5);
    await page.evaluate(() => void window.relevoFake?.receive(4, "At the end"));
    await waitForText(page, byId("message"), "At the end");
    assert.ok((await distance()) < 5);
    await page.evaluate(() => document.querySelector('[role="log"]')?.scrollTo(0, 0));
    await page.waitForSelector(byId("jump-to-end"));
    await page.evaluate(() => void window.relevoFake?.receive(4, "Below"));
    await waitForText(page, byId("jump-to-end"), "1");
    assert.equal(await page.evaluate(() => document.querySelector('[role="log"]')?.scrollTop), 0);
  }),

  "a search result leads to its message": journey({}, async (page) => {
    await page.fill(byId("search-input"), "250:");
    await page.click(byId("search-hit"));
    await waitForFocus(page, "message");
    const text = await page.evaluate(() => document.activeElement?.textContent ?? "");
    assert.match(text, /^250:/);
    await page.waitForTimeout(300);
    const box = await page.evaluate(() => document.activeElement?.getBoundingClientRect().top ?? 0);
    assert.ok(box > 60 && box < 640, `the message is at ${box}`);
  }),

  "an invite is shown and copied": journey({}, async (page) => {
    await page.click(byId("new-chat"));
    await page.click(byId("invite-someone"));
    await page.waitForFunction(() => (document.querySelector("dialog img")?.clientWidth ?? 0) > 100);
    await page.getByRole("button", { name: "Copy the link" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, await page.inputValue(byId("invite-url")));
  }),

  "a link that the system opened asks first": journey({}, async (page) => {
    await page.waitForSelector(byId("conversation-item"));
    await page.evaluate(() =>
      window.relevoFake?.emit({ type: "linkOpened", text: "relevo://relay.example.org/contact/9f8e7d6c" }),
    );
    await waitForText(page, byId("invite-summary"), "adds a person");
    await page.click(byId("invite-continue"));
    await waitForText(page, byId("conversation-title"), /New contact.*9f8e7d6c/);
  }),

  "a narrow window shows one part at a time": journey({ width: 420, height: 640 }, async (page) => {
    await openChat(page, 1);
    assert.equal(await page.isVisible(byId("search-input")), false);
    await page.keyboard.press("Escape");
    await page.locator(byId("search-input")).waitFor({ state: "visible" });
    assert.equal(await page.isVisible(byId("composer-input")), false);
    await openChat(page, 2);
    await page.keyboard.press("Control+k");
    await waitForFocus(page, "search-input");
    await page.keyboard.press("Escape");
    await page.locator(byId("composer-input")).waitFor({ state: "visible" });
  }),

  "settings apply at once": journey({}, async (page) => {
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await page.waitForSelector(byId("conversation-item"));
    const light = await background();
    await page.click(byId("settings-open"));
    await page.selectOption(byId("theme-select"), "dark");
    await page.waitForFunction(() => document.documentElement.dataset["theme"] === "dark");
    assert.notEqual(await background(), light);
    await page.selectOption(byId("language-select"), "es");
    await page.getByRole("heading", { name: "Ajustes" }).waitFor();
    assert.equal(await page.getAttribute("html", "lang"), "es");
    await page.keyboard.press("Control+=");
    await page.waitForFunction(() => document.documentElement.style.fontSize === "110%");
    await page.reload();
    await page.waitForFunction(() => document.documentElement.style.fontSize === "110%");
  }),

  "long words of another language and twice the size still fit": journey(
    { width: 720, height: 800, query: "locale=pseudo" },
    async (page) => {
      await page.evaluate(() => localStorage.setItem("zoom", "200"));
      await page.reload();
      await openChat(page, 2);
      const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok((await wide()) <= 0);
      await page.keyboard.press("Escape");
      await page.click(byId("settings-open"));
      assert.ok((await wide()) <= 0);
      const dialog = await page.evaluate(() => {
        const element = document.querySelector("dialog");
        return element ? element.scrollWidth - element.clientWidth : 1;
      });
      assert.ok(dialog <= 0, "the dialog scrolls sideways");
    },
  ),
};
