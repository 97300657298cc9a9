/** A page of the built window in Chromium that remembers everything that went wrong in it. */
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: FLAGS });
}

/**
 * @typedef {{
 *   scene?: string; width?: number; height?: number; theme?: "light" | "dark";
 *   language?: "en" | "es"; latency?: number; query?: string;
 * }} Look
 */

/**
 * Opens the window. `problems` fills with violations of the policy, page errors and console errors.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} address
 * @param {Look} look
 */
export async function open(browser, address, look = {}) {
  const {
    scene = "chats",
    width = 1100,
    height = 720,
    theme = "light",
    language = "en",
    latency = 5,
    query = "",
  } = look;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    locale: language,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  /** @type {string[]} */
  const problems = [];
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => problems.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      problems.push(`console: ${message.text()}`);
  });
  await page.exposeFunction("reportViolation", (/** @type {string} */ text) => problems.push(text));
  await page.addInitScript(() => {
    // The desktop shell does the same before the page starts.
    Object.freeze(Object.prototype);
    addEventListener("securitypolicyviolation", (event) => {
      // @ts-expect-error the function was put there by the test
      globalThis.reportViolation(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(`${address}/?scene=${scene}&clock=fixed&latency=${latency}&${query}`);
  return { page, problems, close: () => context.close() };
}

/** @param {string} id */
export function byId(id) {
  return `[data-testid="${id}"]`;
}
