/** What the tests of the state classes share. */
import { FakeBackend, type FakeOptions } from "../ipc/fake/fakeBackend.ts";
import { App } from "./app.svelte.ts";
import type { Surroundings } from "./settings.svelte.ts";

export const NOW = new Date(2026, 10, 22, 17, 24).getTime();

export function memoryStorage(): Surroundings["storage"] {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
  };
}

export function fakeBackend(options: Partial<FakeOptions> = {}): FakeBackend {
  return new FakeBackend({ scene: "chats", latencyMs: 0, replyMs: null, now: () => NOW, ...options });
}

/** An app that was started and knows its conversations. */
export async function startedApp(
  options: Partial<FakeOptions> = {},
  storage = memoryStorage(),
): Promise<{ app: App; backend: FakeBackend }> {
  const backend = fakeBackend(options);
  const surroundings = { languages: ["en"], storage, locale: null };
  const app = new App(backend, surroundings);
  await app.start();
  if (app.stage.stage === "ready") await app.conversations.refresh();
  return { app, backend };
}

/** Lets everything that was promised happen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}
