/** Messages and names that are written to be more than text. */
import assert from "node:assert/strict";
import { byId } from "../browser.mjs";
import { journey, openChat, waitForText } from "../steps.mjs";
import { payloads } from "../payloads.mjs";

/** Every element that the window itself makes. */
const OWN_ELEMENTS = [
  ...[
    "a",
    "article",
    "aside",
    "bdi",
    "body",
    "button",
    "circle",
    "dd",
    "dialog",
    "div",
    "dl",
    "dt",
    "em",
    "footer",
  ],
  ...[
    "form",
    "h1",
    "h2",
    "h3",
    "header",
    "html",
    "img",
    "input",
    "label",
    "li",
    "line",
    "main",
    "mark",
    "nav",
    "ol",
  ],
  ...["option", "p", "path", "polyline", "rect", "search", "section", "select", "small", "span", "strong"],
  ...["svg", "textarea", "time", "ul"],
];

/**
 * From now on remembers each element and attribute that the window has no use for.
 *
 * @param {import("playwright-core").Page} page
 */
async function watch(page) {
  await page.evaluate((own) => {
    /** @type {string[]} */
    const found = [];
    /** @param {Node} node */
    const look = (node) => {
      if (!(node instanceof Element)) return;
      if (!own.includes(node.localName)) found.push(`<${node.localName}>`);
      for (const { name, value } of node.attributes) {
        const active = /^on|^(?:style|srcdoc|formaction|action|background|xlink:href)$/.test(name);
        const set = name === "style" && !/url|expression|import/i.test(value);
        if (active && !set) found.push(`<${node.localName} ${name}>`);
        if (/^(?:src|href)$/.test(name) && !/^(?:blob:|data:image\/|#|\.|\/)/.test(value))
          found.push(`<${node.localName} ${name}=${value}>`);
      }
      for (const child of node.children) look(child);
    };
    new MutationObserver((changes) => {
      for (const change of changes) {
        if (change.type === "attributes") look(change.target);
        change.addedNodes.forEach(look);
      }
    }).observe(document, { subtree: true, childList: true, attributes: true });
    Object.assign(window, { foundActive: found, ran: 0 });
  }, OWN_ELEMENTS);
}

/** @param {import("playwright-core").Page} page @returns {Promise<string[]>} */
const found = (page) =>
  page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    // @ts-expect-error put there by `watch`
    return window.foundActive.splice(0);
  });

export const hostile = {
  "a thousand hostile messages are text and nothing else": journey({}, async (page) => {
    await page.waitForSelector(byId("conversation-item"));
    await watch(page);
    // the watch sees what it must never see
    await page.evaluate(() => {
      const element = document.createElement("marquee");
      element.setAttribute("onfinish", "");
      document.body.append(element);
      element.remove();
    });
    assert.deepEqual(await found(page), ["<marquee>", "<marquee onfinish>"]);

    const corpus = payloads(1000);
    assert.equal(new Set(corpus).size, 1000);
    await openChat(page, 2);
    for (let start = 0; start < corpus.length; start += 50) {
      const some = corpus.slice(start, start + 50);
      await page.evaluate((texts) => {
        for (const text of texts) window.relevoFake?.receive(2, text);
      }, some);
      // the list shows the newest, the timeline all of them, each as it was written
      await page.waitForFunction(
        ([selector, count]) => document.querySelectorAll(String(selector)).length >= Number(count),
        [byId("message"), some.length],
      );
      const last = some.at(-1) ?? "";
      await page.waitForFunction(
        ([selector, text]) =>
          [...document.querySelectorAll(String(selector))].at(-1)?.textContent?.includes(String(text)),
        [byId("message"), last],
      );
    }
    assert.deepEqual(await found(page), []);
    assert.equal(await page.evaluate(() => Reflect.get(window, "ran")), 0);

    for (const text of corpus.slice(0, 40)) {
      await page.fill(byId("search-input"), text.slice(0, 40));
      await page.waitForTimeout(0);
    }
    await page.fill(byId("search-input"), "");
    assert.deepEqual(await found(page), []);
  }),

  "who asks under a hostile name is text and nothing else": journey({}, async (page) => {
    await page.waitForSelector(byId("conversation-item"));
    await watch(page);
    for (const name of payloads(60)) {
      const key = await page.evaluate((title) => window.relevoFake?.request(title, title), name.slice(0, 60));
      await page
        .locator(`${byId("conversation-item")}[data-key="${key}"]`)
        .first()
        .waitFor();
      await page.click(`${byId("conversation-item")}[data-key="${key}"]`);
      await waitForText(page, byId("conversation-title"), name.slice(0, 10).trim());
    }
    assert.deepEqual(await found(page), []);
    assert.equal(await page.evaluate(() => Reflect.get(window, "ran")), 0);
  }),
};
