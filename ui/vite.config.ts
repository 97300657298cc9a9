import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  // The desktop shell opens exactly this address in development.
  server: { host: "127.0.0.1", port: 5173, strictPort: true },
  clearScreen: false,
  build: {
    // The oldest webviews that understand `light-dark()` and `dvh`.
    target: ["chrome123", "safari17.5"],
    // The content security policy allows files only: no inline code, no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: false,
  },
  // Without this the state classes are compiled for a server in tests.
  resolve: process.env["VITEST"] ? { conditions: ["browser"] } : {},
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
