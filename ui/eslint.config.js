import svelteParser from "svelte-eslint-parser";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import tseslint from "typescript-eslint";

/** Folders of src/ and what each of them must not import. */
const directions = {
  kit: ["components", "views", "state", "ipc", "i18n", "errors"],
  components: ["views"],
  state: ["components", "views", "kit", "errors"],
  ipc: ["components", "views", "kit", "state", "i18n", "errors"],
  i18n: ["components", "views", "kit", "state", "ipc", "errors"],
};

const tauri = {
  group: ["@tauri-apps/*", "@tauri-apps/**"],
  message: "Only src/ipc/tauri.ts talks to the desktop shell.",
};

/**
 * Rules of one folder: the arrows that point the wrong way.
 *
 * @param {string} folder
 * @param {readonly string[]} forbidden
 * @returns {import("eslint").Linter.Config}
 */
function direction(folder, forbidden) {
  const patterns = forbidden.map((name) => ({
    group: [`**/${name}/**`, `**/${name}.ts`],
    message: `${folder}/ does not know ${name}.`,
  }));
  // Types of the contract are known everywhere; the backend itself only to the state.
  if (folder === "components") {
    patterns.push({
      group: ["**/ipc/*", "!**/ipc/bindings.ts"],
      message: "Components ask the state, not the backend.",
    });
  }
  return {
    files: [`src/${folder}/**`],
    ignores: ["src/ipc/tauri.ts", "**/*.test.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: [...patterns, tauri] }] },
  };
}

export default tseslint.config(
  { ignores: ["dist", "dist-fake", "test-results", "src/ipc/bindings.ts"] },
  ...tseslint.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-non-null-assertion": "error",
      // Cycles are looked for by src/architecture.test.ts, which also reads the components.
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "A name is found everywhere by its name." },
      ],
      "no-console": ["error", { allow: ["error"] }],
      eqeqeq: "error",
      "max-lines": ["error", { max: 400, skipBlankLines: true }],
      "no-restricted-imports": ["error", { patterns: [tauri] }],
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Text is text." },
        { property: "outerHTML", message: "Text is text." },
        { property: "insertAdjacentHTML", message: "Text is text." },
      ],
      // Collections that are not drawn from need no reactive twin.
      "svelte/prefer-svelte-reactivity": "off",
      "svelte/no-at-html-tags": "error",
      "svelte/no-inline-styles": "error",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: tseslint.parser, extraFileExtensions: [".svelte"] } },
  },
  {
    files: ["**/*.svelte"],
    languageOptions: { parser: svelteParser },
    // Props are declared with `let`, as Svelte documents them.
    rules: { "prefer-const": "off", "max-lines": ["error", { max: 330, skipBlankLines: true }] },
  },
  ...Object.entries(directions).map(([folder, forbidden]) => direction(folder, forbidden)),
  {
    files: ["src/ipc/tauri.ts"],
    rules: { "no-restricted-imports": "off" },
  },
  {
    files: ["*.config.{js,ts}"],
    rules: { "no-restricted-syntax": "off" },
  },
  {
    files: ["e2e/**"],
    rules: { "no-console": "off" },
  },
);
