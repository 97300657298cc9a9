/** The window around the messages: connection, list, timeline, settings. */
import assert from "node:assert/strict";
import { byId } from "../browser.mjs";
import { journey, openChat, waitForFocus, waitForText } from "../steps.mjs";

export const surroundings = {
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

  "a restart of the relay is called that, without a change of words between attempts": journey(
    {},
    async (page) => {
      await openChat(page, 1);
      await page.evaluate(() => window.relevoFake?.setOnline(false, "relayRestarting"));
      await waitForText(page, `${byId("banner")}[data-phase="connecting"]`, "The relay is restarting.");
      assert.equal(await page.locator(byId("banner")).getByRole("button").count(), 0);
      await page.evaluate(() => window.relevoFake?.setOnline(true));
      await page.locator(byId("banner")).waitFor({ state: "detached" });
    },
  ),

  "the day above the messages covers nothing that the keyboard leads to": journey({}, async (page) => {
    await openChat(page, 5);
    await page.click(byId("jump-to-end"));
    await page.locator(byId("message")).last().focus();
    for (let turn = 0; turn < 40; turn += 1) {
      await page.keyboard.press("ArrowUp");
      const room = await page.evaluate(() => {
        const message = document.activeElement;
        const day = message?.closest("section")?.querySelector("h3");
        const chip = day?.querySelector("span");
        if (!message || !day || !chip) throw new Error("no day");
        const beside = chip.getBoundingClientRect().left - day.getBoundingClientRect().left;
        return {
          below: message.getBoundingClientRect().top - chip.getBoundingClientRect().bottom,
          beside,
        };
      });
      assert.ok(room.below >= 0 && room.beside > 40, `${JSON.stringify(room)} in turn ${turn}`);
    }
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
    await waitForText(page, byId("conversation-title"), /New contact.*t6hh23aa/);
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
      const dialog = () =>
        page.evaluate(() => {
          const element = document.querySelector("dialog");
          return element ? element.scrollWidth - element.clientWidth : 1;
        });
      for (const part of ["general", "account", "privacy", "protection", "health"]) {
        await page.click(`[data-tab="${part}"]`);
        assert.ok((await dialog()) <= 0, `the dialog scrolls sideways at ${part}`);
      }
      await page.keyboard.press("Escape");
      await openChat(page, 2);
      await page.click(byId("conversation-menu"));
      await page.keyboard.press("Enter");
      await page.waitForSelector(byId("qr-picture"));
      assert.ok((await dialog()) <= 0, "the safety number scrolls sideways");
    },
  ),
};
