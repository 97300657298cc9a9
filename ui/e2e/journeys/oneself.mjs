/** What a person says of itself, and what others may see. */
import assert from "node:assert/strict";
import { byId } from "../browser.mjs";
import { journey, waitForFocus, waitForText } from "../steps.mjs";

/** The first conversation of the list. */
const first = `${byId("conversation-item")}[data-key="1"]`;

export const oneself = {
  "the own name is changed by keyboard": journey({}, async (page) => {
    await page.click(byId("settings-open"));
    await page.click('[data-tab="account"]');
    assert.equal(await page.inputValue(byId("own-name")), "Sam Rivera");
    assert.equal(await page.isDisabled(byId("name-save")), true);
    await page.evaluate(() => window.relevoFake?.failNext("setName", { code: "nameInvalid", detail: null }));
    await page.fill(byId("own-name"), "Sam Vega");
    await page.keyboard.press("Enter");
    await page.getByText("This name cannot be used").waitFor();
    assert.equal(await page.getAttribute(byId("own-name"), "aria-invalid"), "true");
    await page.keyboard.press("Enter");
    await waitForText(page, byId("name-outcome"), "Sam Vega");
    await waitForText(page, ".who", "Sam Vega");
    assert.equal(await page.isDisabled(byId("name-save")), true);
    await page.keyboard.press("Escape");
    await page.click(byId("settings-open"));
    await page.click('[data-tab="account"]');
    assert.equal(await page.inputValue(byId("own-name")), "Sam Vega");
  }),

  "a short name is set and given up": journey({}, async (page) => {
    await page.click(byId("settings-open"));
    await page.click('[data-tab="account"]');
    await page.fill(byId("own-handle"), "ana");
    await page.keyboard.press("Enter");
    await page.getByText("Somebody on your relay has this short name").waitFor();
    await page.fill(byId("own-handle"), "sam.r");
    await page.click(byId("handle-save"));
    await waitForText(page, byId("handle-outcome"), "sam.r");
    await page.click(byId("handle-remove"));
    await waitForText(page, byId("handle-outcome"), "no short name");
    assert.equal(await page.inputValue(byId("own-handle")), "");
  }),

  "the own status is set by keyboard, lasts a while, and hides": journey({}, async (page) => {
    await page.focus(byId("own-status"));
    await page.keyboard.press("Enter");
    await page.getByRole("radio", { name: /Available/ }).focus();
    await page.keyboard.press("ArrowDown");
    await page.selectOption(byId("status-until"), "hour");
    await page.fill(byId("status-text"), "x".repeat(101));
    await page.locator("[aria-invalid=true]").waitFor();
    assert.equal(await page.isDisabled(byId("status-save")), true);
    await page.fill(byId("status-text"), "In a meeting");
    await page.keyboard.press("Enter");
    await waitForFocus(page, "own-status");
    await page.waitForSelector(`${byId("own-status")} .doNotDisturb`);
    assert.equal(await page.getAttribute(byId("own-status"), "title"), "In a meeting");

    await page.click(byId("own-status"));
    assert.equal(await page.inputValue(byId("status-until")), "kept");
    assert.equal(await page.inputValue(byId("status-text")), "In a meeting");
    await page.getByRole("radio", { name: /Invisible/ }).check();
    await page.click(byId("status-save"));
    await page.waitForSelector(`${byId("own-status")} .hollow`);
    await page.locator(`${first} ${byId("presence-dot")}`).waitFor({ state: "detached" });

    await page.click(byId("own-status"));
    await page.getByRole("radio", { name: /Available/ }).check();
    await page.click(byId("status-save"));
    await page.waitForSelector(`${first} ${byId("presence-dot")}`);
  }),

  "privacy works both ways": journey({}, async (page) => {
    await page.waitForSelector(`${first} ${byId("presence-dot")}`);
    await page.click(byId("settings-open"));
    await page.click('[data-tab="privacy"]');
    await page.getByRole("switch", { name: "Show when I am online" }).click();
    await page.locator(`${first} ${byId("presence-dot")}`).waitFor({ state: "detached" });
    await page.click('[data-tab="general"]');
    await page.keyboard.press("ArrowDown");
    await page.click('[data-tab="privacy"]');
    assert.equal(await page.getByRole("switch", { name: "Show when I am online" }).isChecked(), false);
  }),

  "privacy that is not known yet is not shown as off": journey({}, async (page) => {
    await page.waitForSelector(byId("settings-open"));
    await page.evaluate(() => window.relevoFake?.failNext("privacy", { code: "database", detail: null }));
    await page.click(byId("settings-open"));
    await page.click('[data-tab="privacy"]');
    await page.locator("dialog").getByRole("button", { name: "Try again" }).waitFor();
    assert.equal(await page.locator(byId("privacy-switch")).count(), 0);
    await page.locator("dialog").getByRole("button", { name: "Try again" }).click();
    await page.waitForSelector(`${byId("privacy-switch")} >> nth=2`);
    assert.equal(await page.locator(`${byId("privacy-switch")}:checked`).count(), 3);
  }),
};
