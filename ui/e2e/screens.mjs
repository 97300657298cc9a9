/** What is photographed: how to get to each screen. */
import { byId } from "./browser.mjs";

/** @typedef {(page: import("playwright-core").Page) => Promise<void>} Steps */

/** @param {number} key @returns {Steps} */
const chat = (key) => async (page) => {
  await page.click(`${byId("conversation-item")}[data-key="${key}"]`);
  await page.waitForSelector(byId("composer-input"));
};

/** @typedef {{ name: string; scene: string; steps: Steps }} Screen */

/** @type {Screen[]} */
export const screens = [
  { name: "01-first-run", scene: "firstRun", steps: async () => undefined },
  {
    name: "02-invite",
    scene: "firstRun",
    steps: async (page) => {
      await page.click(byId("first-run-invite"));
      await page.fill(byId("invite-link-input"), "relevo://relay.example.org/i/k7Qm2xV9k7Qm2xV9");
      await page.waitForSelector(byId("invite-summary"));
    },
  },
  {
    name: "03-name-protection",
    scene: "noKeyring",
    steps: async (page) => {
      await page.click(byId("first-run-invite"));
      await page.fill(byId("invite-link-input"), "relevo://relay.example.org/i/k7Qm2xV9k7Qm2xV9");
      await page.click(byId("invite-continue"));
      await page.fill(byId("passphrase-input"), "short");
    },
  },
  { name: "04-add-device", scene: "firstRun", steps: (page) => page.click(byId("first-run-add-device")) },
  { name: "05-run-relay", scene: "firstRun", steps: (page) => page.click(byId("first-run-relay")) },
  { name: "06-locked", scene: "locked", steps: async () => undefined },
  { name: "07-keyring", scene: "keyringFailed", steps: async () => undefined },
  { name: "08-broken", scene: "broken", steps: async () => undefined },
  { name: "08-lost", scene: "lostFiles", steps: async () => undefined },
  { name: "08-lost-ways", scene: "lostKeys", steps: async () => undefined },
  { name: "08-lost-without", scene: "lostFiles", steps: (page) => page.click(byId("lost-without")) },
  {
    name: "08-lost-backup",
    scene: "lostFiles",
    steps: async (page) => {
      await page.click(byId("lost-backup"));
      await page.fill(byId("folder-input"), "/nowhere");
      await page.fill(byId("code-input"), Array(24).fill("abandon").join(" "));
      await page.click(byId("lost-restore"));
      await page.waitForSelector('[aria-invalid="true"]');
    },
  },
  { name: "08-newer", scene: "newer", steps: async () => undefined },
  {
    name: "08-damaged-at-work",
    scene: "damaged",
    steps: async (page) => void (await page.waitForSelector(byId("damaged-banner"))),
  },
  { name: "09-in-use", scene: "inUse", steps: async () => undefined },
  {
    name: "10-empty-list",
    scene: "empty",
    steps: async (page) => void (await page.waitForSelector(byId("open-link"))),
  },
  {
    name: "11-list",
    scene: "chats",
    steps: async (page) => void (await page.waitForSelector(byId("conversation-item"))),
  },
  { name: "12-chat", scene: "chats", steps: chat(1) },
  { name: "13-failed", scene: "chats", steps: chat(2) },
  { name: "14-new-contact", scene: "chats", steps: chat(3) },
  {
    name: "14-held",
    scene: "chats",
    steps: async (page) => {
      await chat(3)(page);
      await page.evaluate(() => window.relevoFake?.hold(3, 90));
      await page.fill(byId("composer-input"), "Hello, this is Sam from the harbour office.");
      await page.click(byId("composer-send"));
      await page.waitForSelector(byId("held-line"));
    },
  },
  { name: "15-rtl-long", scene: "chats", steps: chat(4) },
  { name: "16-history", scene: "chats", steps: chat(5) },
  {
    name: "16-history-passed",
    scene: "chats",
    steps: async (page) => {
      await chat(1)(page);
      await page.evaluate(() => document.querySelector('[role="log"]')?.scrollBy(0, -20));
    },
  },
  {
    name: "17-restarting",
    scene: "chats",
    steps: async (page) => {
      await chat(1)(page);
      await page.evaluate(() => window.relevoFake?.setOnline(false, "relayRestarting"));
      await page.waitForSelector(byId("banner"));
    },
  },
  {
    name: "17-offline",
    scene: "chats",
    steps: async (page) => {
      await chat(1)(page);
      await page.evaluate(() => window.relevoFake?.setOnline(false, "relayUnreachable"));
      await page.fill(
        byId("composer-input"),
        "Line one of a longer text\nline two\nline three\n\nand an end",
      );
      await page.click(byId("composer-send"));
      await page.fill(byId("composer-input"), "Half a thought");
      await page.waitForSelector(byId("banner"));
    },
  },
  {
    name: "18-search",
    scene: "chats",
    steps: async (page) => {
      await page.fill(byId("search-input"), "an");
      await page.waitForSelector(byId("search-hit"));
    },
  },
  {
    name: "19-own-status",
    scene: "chats",
    steps: async (page) => {
      await page.click(byId("own-status"));
      await page.getByRole("radio", { name: /Do not disturb|No molestar/ }).check();
      await page.fill(byId("status-text"), "Back at half past three ☕");
    },
  },
  { name: "20-new-chat", scene: "chats", steps: (page) => page.click(byId("new-chat")) },
  {
    name: "21-share",
    scene: "chats",
    steps: async (page) => {
      await page.click(byId("new-chat"));
      await page.click(byId("invite-someone"));
      await page.waitForSelector("dialog img");
    },
  },
  {
    name: "22-open-link",
    scene: "chats",
    steps: async (page) => {
      await page.click(byId("new-chat"));
      await page.click(byId("open-link"));
      await page.fill(byId("invite-link-input"), "relevo://relay.example.org/contact/9f8e7d6c");
      await page.waitForSelector(byId("invite-summary"));
    },
  },
  { name: "23-settings", scene: "chats", steps: (page) => page.click(byId("settings-open")) },
  { name: "24-shortcuts", scene: "chats", steps: (page) => page.keyboard.press("Control+/") },
];
