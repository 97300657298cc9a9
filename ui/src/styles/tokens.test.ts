import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");
const tokens = new Map(
  [...css.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name ?? "", (value ?? "").trim()]),
);

type Theme = "light" | "dark";

/** Follows `var()` and `light-dark()` to a `#rrggbb`. */
function resolve(value: string, theme: Theme): string {
  const both = /^light-dark\((.+),\s*(.+)\)$/.exec(value);
  if (both) return resolve((theme === "light" ? both[1] : both[2]) ?? "", theme);
  const name = /^var\((--[\w-]+)\)$/.exec(value)?.[1];
  if (name !== undefined) return resolve(tokens.get(name) ?? "", theme);
  return value;
}

function luminance(hex: string): number {
  expect(hex).toMatch(/^#[0-9a-f]{6}$/);
  const channels = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const [red = 0, green = 0, blue = 0] = channels.map((c) =>
    c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string, theme: Theme): number {
  const [a, b] = [one, other].map((name) => luminance(resolve(`var(--color-${name})`, theme)));
  const [high, low] = [Math.max(a ?? 0, b ?? 0), Math.min(a ?? 0, b ?? 0)];
  return (high + 0.05) / (low + 0.05);
}

const surfaces = [
  "surface",
  "surface-panel",
  "surface-raised",
  "surface-hover",
  "surface-pressed",
  "surface-selected",
  "control",
  "control-hover",
  "field",
  "bubble-own",
  "bubble-other",
  "code",
];

const pairs: [text: string, background: string][] = [
  ...surfaces.flatMap((surface): [string, string][] => [
    ["text", surface],
    ["text-muted", surface],
  ]),
  ...[
    "surface",
    "surface-panel",
    "surface-raised",
    "surface-hover",
    "control",
    "control-hover",
    "field",
    "bubble-own",
    "bubble-other",
  ].flatMap((surface): [string, string][] => [
    ["accent", surface],
    ["danger", surface],
  ]),
  ["on-accent", "accent"],
  ["on-accent", "accent-hover"],
  ["danger", "danger-surface"],
  ["warning", "warning-surface"],
  ["warning", "surface"],
  ["success", "surface"],
  ["success", "surface-panel"],
  ["success", "surface-raised"],
  ...Array.from({ length: 8 }, (_, hue): [string, string] => [`on-hue-${hue}`, `hue-${hue}`]),
];

describe.each<Theme>(["light", "dark"])("in the %s theme", (theme) => {
  it.each(pairs)("%s on %s can be read", (text, background) => {
    expect(contrast(text, background, theme)).toBeGreaterThanOrEqual(4.5);
  });

  it("the border of a field can be seen", () => {
    expect(contrast("line-strong", "field", theme)).toBeGreaterThanOrEqual(3);
    expect(contrast("line-strong", "surface", theme)).toBeGreaterThanOrEqual(3);
  });
});
