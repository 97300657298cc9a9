/** Takes pictures of every screen: a few looks that cover each size, theme and language, or all of them. */
import { mkdir } from "node:fs/promises";
import { open } from "./browser.mjs";
import { screens } from "./screens.mjs";
import { trustScreens } from "./trustScreens.mjs";

/** @type {Required<Pick<import("./browser.mjs").Look, "width" | "height" | "theme" | "language">>[]} */
const every = [];
for (const [width, height] of /** @type {const} */ ([
  [420, 640],
  [1100, 720],
  [1920, 1080],
])) {
  for (const theme of /** @type {const} */ (["light", "dark"])) {
    for (const language of /** @type {const} */ (["en", "es"]))
      every.push({ width, height, theme, language });
  }
}
const some = ["420-dark-es", "1100-light-en", "1920-dark-en"];

/** @param {(typeof every)[number]} look */
const nameOf = (look) => `${look.width}-${look.theme}-${look.language}`;

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} address
 * @param {string} folder
 * @param {RegExp} wanted
 * @param {boolean} all
 */
export async function takePictures(browser, address, folder, wanted, all) {
  await mkdir(folder, { recursive: true });
  /** @type {string[]} */
  const problems = [];
  for (const look of every.filter((candidate) => all || some.includes(nameOf(candidate)))) {
    for (const screen of [...screens, ...trustScreens]) {
      const name = `${screen.name}-${nameOf(look)}`;
      if (!wanted.test(name)) continue;
      const window = await open(browser, address, { scene: screen.scene, ...look });
      await window.page.waitForSelector("#app > *:not(.opening)");
      await screen.steps(window.page);
      await window.page.waitForTimeout(250);
      await window.page.screenshot({ path: `${folder}/${name}.png` });
      const wide = await window.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      if (wide) problems.push(`${name}: wider than the window`);
      problems.push(...window.problems.map((problem) => `${name}: ${problem}`));
      await window.close();
    }
  }
  return problems;
}
