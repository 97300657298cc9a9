/**
 * Journeys through the built window against the fake program.
 *
 *   npm run e2e                    journeys, then pictures of three looks into test-results/
 *   npm run e2e -- chat            only journeys and pictures whose name matches
 *   npm run e2e -- --all           pictures at every size, in both themes and both languages
 */
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { launch } from "./browser.mjs";
import { journeys } from "./journeys.mjs";
import { takePictures } from "./look.mjs";
import { serve } from "./server.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const all = process.argv.includes("--all");
const wanted = new RegExp(process.argv.slice(2).find((word) => word !== "--all") ?? "");

await build({ root, mode: "fake", logLevel: "warn", build: { outDir: "dist-fake", emptyOutDir: true } });
const server = await serve(`${root}dist-fake`);
const browser = await launch();
/** @type {string[]} */
const failures = [];

for (const [name, run] of Object.entries(journeys)) {
  if (!wanted.test(name)) continue;
  try {
    await run(browser, server.address);
    console.log(`ok    ${name}`);
  } catch (error) {
    console.log(`FAIL  ${name}`);
    failures.push(`${name}: ${error instanceof Error ? error.stack : error}`);
  }
}
failures.push(...(await takePictures(browser, server.address, `${root}test-results`, wanted, all)));

await browser.close();
server.close();
for (const failure of failures) console.error(failure);
console.log(failures.length === 0 ? "all good" : `${failures.length} problems`);
process.exit(failures.length === 0 ? 0 : 1);
