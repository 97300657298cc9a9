/** Rules about the source files that a linter cannot see. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { testIds } from "./testIds.ts";

const root = fileURLToPath(new URL(".", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(ts|svelte|css)$/.test(file) && !file.endsWith(".test.ts"))
  .sort();
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
const components = [...sources].filter(([file]) => file.endsWith(".svelte"));

function importsOf(file: string): string[] {
  const found = (sources.get(file) ?? "").matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map(([, path]) => relative(root, resolve(root, dirname(file), path ?? "")));
}

describe("imports", () => {
  it("name files that exist", () => {
    for (const file of files) for (const target of importsOf(file)) expect(files).toContain(target);
  });

  it("have no cycles", () => {
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      expect(path, `${[...path, file].join(" → ")}`).not.toContain(file);
      if (done.has(file)) return;
      for (const target of importsOf(file)) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
  });

  it("reach @tauri-apps from one file only", () => {
    const users = files.filter((file) => /from "@tauri-apps/.test(sources.get(file) ?? ""));
    expect(users).toEqual([join("ipc", "tauri.ts")]);
  });
});

describe("components", () => {
  it.each(components)("%s has at most 250 lines, with a few known exceptions", (file, source) => {
    // The bubble and the timeline are one thing each; half of them is their style.
    const limit = /MessageBubble|Timeline\.svelte/.test(file) ? 330 : 250;
    expect(source.split("\n").length).toBeLessThanOrEqual(limit);
  });

  it.each(components)("%s uses only semantic tokens and no !important", (_, source) => {
    const style = source.split("<style>")[1] ?? "";
    expect(style).not.toMatch(/#[0-9a-f]{3,8}\b|rgb\(|--stone|--teal|--red|--amber|--green|!important/);
    expect(style).not.toMatch(
      /\b(margin|padding|border|inset)-(left|right)\b|^\s*(left|right|width|height):/m,
    );
  });

  it.each(components)("%s has no words of its own", (_, source) => {
    const markup = source.replace(/<script[\s\S]*?<\/script>|<style>[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, "");
    // What stands between a tag and the next one, without expressions.
    const words = markup
      .replace(/\{[^{}]*(\{[^{}]*\}[^{}]*)*\}/g, "")
      .matchAll(/>([^<>{}]*\p{L}{3}[^<>{}]*)</gu);
    expect([...words].map(([, text]) => text?.trim())).toEqual([]);
  });
});

describe("hooks for end-to-end tests", () => {
  const used = new Set(
    [...sources.values()].flatMap((source) =>
      [...source.matchAll(/(?:data-testid|testId)=\{?"([\w-]+)"/g)].map(([, id]) => id ?? ""),
    ),
  );

  it("are all there", () => {
    expect([...used].sort()).toEqual([...testIds].sort());
  });
});
