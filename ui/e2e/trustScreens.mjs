/** The screens about other people, the recovery code, and what keeps the messages. */
import { byId } from "./browser.mjs";

/** @typedef {import("./screens.mjs").Steps} Steps */
/** @typedef {import("./screens.mjs").Screen} Screen */

/** @param {number} key @returns {Steps} */
const conversation = (key) => async (page) => {
  await page.click(`${byId("conversation-item")}[data-key="${key}"]`);
  await page.waitForSelector(byId("conversation-title"));
};

/** @param {string} name @returns {Steps} */
const settings = (name) => async (page) => {
  await page.click(byId("settings-open"));
  await page.click(`[data-tab="${name}"]`);
};

/** @param {number} key @param {RegExp} item @returns {Steps} */
const menu = (key, item) => async (page) => {
  await page.click(`${byId("conversation-item")}[data-key="${key}"]`);
  await page.click(byId("conversation-menu"));
  await page.getByRole("menuitem", { name: item }).click();
};

const WORDS = Array.from({ length: 24 }, (_, at) => `word${at + 1}`).join(" ");

/** @type {Screen[]} */
export const trustScreens = [
  {
    name: "30-people",
    scene: "people",
    steps: async (page) => {
      await page.waitForSelector(byId("conversation-item"));
      await page.evaluate(() => window.relevoFake?.setTyping(6, true));
      await page.waitForTimeout(100);
    },
  },
  { name: "31-request", scene: "people", steps: conversation(20) },
  { name: "32-impostor", scene: "people", steps: conversation(21) },
  { name: "33-asked", scene: "people", steps: conversation(22) },
  { name: "34-blocked", scene: "people", steps: conversation(23) },
  { name: "35-happenings", scene: "people", steps: conversation(24) },
  {
    name: "36-block",
    scene: "people",
    steps: async (page) => {
      await conversation(20)(page);
      await page.click(byId("request-block"));
    },
  },
  {
    name: "37-menu",
    scene: "people",
    steps: async (page) => {
      await conversation(1)(page);
      await page.evaluate(() => window.relevoFake?.setTyping(1, true));
      await page.click(byId("conversation-menu"));
    },
  },
  {
    name: "38-details",
    scene: "people",
    steps: async (page) => {
      await conversation(6)(page);
      await page.click(`${byId("message")}[data-mine="true"]`, { button: "right" });
      await page.getByRole("menuitem", { name: /Details|Detalles/ }).click();
    },
  },
  { name: "40-safety", scene: "chats", steps: menu(2, /Safety|seguridad/) },
  { name: "41-safety-verified", scene: "chats", steps: menu(1, /Safety|seguridad/) },
  {
    name: "42-safety-different",
    scene: "chats",
    steps: async (page) => {
      await menu(2, /Safety|seguridad/)(page);
      await page.fill(byId("safety-input"), "12345 ".repeat(12));
      await page.click(byId("safety-compare"));
      await page.locator(byId("safety-result")).scrollIntoViewIfNeeded();
    },
  },
  {
    name: "43-card",
    scene: "chats",
    steps: async (page) => {
      await page.click(byId("new-chat"));
      await page.click(byId("invite-someone"));
      await page.click('[data-tab="contact"]');
      await page.waitForSelector("dialog img");
    },
  },
  {
    name: "44-links",
    scene: "chats",
    steps: async (page) => {
      await page.click(byId("new-chat"));
      await page.click(byId("invite-someone"));
      await page.click(byId("my-links"));
      await page.waitForSelector(byId("issued-link"));
    },
  },
  {
    name: "45-handle",
    scene: "chats",
    steps: async (page) => {
      await page.click(byId("new-chat"));
      await page.click(byId("open-handle"));
      await page.fill(byId("handle-input"), "nobody.here");
      await page.click(byId("handle-open"));
      await page.locator("[aria-invalid=true]").waitFor();
    },
  },
  { name: "50-recovery-banner", scene: "due", steps: conversation(1) },
  {
    name: "51-recovery-why",
    scene: "due",
    steps: async (page) => void (await page.click(byId("recovery-show"))),
  },
  {
    name: "52-recovery-words",
    scene: "due",
    steps: async (page) => {
      await page.click(byId("recovery-show"));
      await page.click(byId("recovery-reveal"));
      await page.waitForSelector("dialog img");
    },
  },
  {
    name: "53-recovery-check",
    scene: "due",
    steps: async (page) => {
      await page.click(byId("recovery-show"));
      await page.click(byId("recovery-reveal"));
      await page.click(byId("recovery-written"));
      await page.fill(byId("recovery-word-1"), "ocean");
      await page.fill(byId("recovery-word-2"), "wrong");
      await page.click(byId("recovery-confirm"));
      await page.waitForSelector(byId("error-text"));
    },
  },
  {
    name: "54-restore",
    scene: "noKeyring",
    steps: async (page) => {
      await page.click(byId("first-run-add-device"));
      await page.click(byId("restore-open"));
      await page.fill(byId("code-input"), WORDS);
      await page.fill(byId("restore-relay"), "relay.example.org");
      await page.fill(byId("passphrase-input"), "correct horse");
      await page.fill(byId("passphrase-repeat"), "correct horse");
      await page.click(byId("restore-do"));
      await page.click(byId("restore-sure"));
      await page.locator("[aria-invalid=true]").first().waitFor();
      await page.locator(byId("code-input")).scrollIntoViewIfNeeded();
    },
  },
  { name: "55-locked-out", scene: "lockedOut", steps: async () => undefined },
  ...["salvaged", "copy", "identityOnly"].map((scene, at) => ({
    name: `5${6 + at}-mended-${scene}`,
    scene,
    /** @type {Steps} */
    steps: async (page) => void (await page.waitForSelector(byId("mended"))),
  })),
  { name: "60-account", scene: "chats", steps: settings("account") },
  { name: "61-privacy", scene: "people", steps: settings("privacy") },
  { name: "62-protection", scene: "due", steps: settings("protection") },
  {
    name: "63-passphrase",
    scene: "chats",
    steps: async (page) => {
      await settings("protection")(page);
      await page.click(byId("passphrase-write"));
    },
  },
  {
    name: "63-code-way",
    scene: "chats",
    steps: async (page) => {
      await settings("protection")(page);
      await page.getByRole("button", { name: /^(Remove|Quitar): .*(Recovery code|Código)/ }).click();
      await page.click(byId("way-remove"));
      await page.click(byId("code-way-add"));
    },
  },
  { name: "64-backup-aside", scene: "backupTrouble", steps: settings("health") },
  { name: "64-health", scene: "people", steps: settings("health") },
  {
    name: "65-backup",
    scene: "chats",
    steps: async (page) => {
      await settings("health")(page);
      await page.click(byId("backup-choose"));
      await page.waitForSelector(byId("backup-start"));
    },
  },
  {
    name: "66-backup-done",
    scene: "chats",
    steps: async (page) => {
      await settings("health")(page);
      await page.evaluate(() =>
        window.relevoFake?.call("setBackupFolder", {
          folder: "/media/sam/Backup disk/Relevo",
          code: "anchor velvet puzzle ocean ribbon garden cactus lemon window forest marble tunnel copper meadow lantern pigeon saddle violin walnut yellow zebra hammer island jacket",
        }),
      );
      await page.click('[data-tab="general"]');
      await page.click('[data-tab="health"]');
      await page.click(byId("backup-test-now"));
      await page.waitForTimeout(250);
    },
  },
  { name: "67-export", scene: "chats", steps: menu(1, /Export/) },
];
