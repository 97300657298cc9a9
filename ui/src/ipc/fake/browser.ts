/**
 * The fake program in a browser. The address chooses what it shows:
 * `?scene=chats&latency=20&replies=off&clock=fixed`.
 *
 * Tests reach it as `window.relevoFake`.
 */
import { FakeBackend } from "./fakeBackend.ts";
import { afternoon, scenes, type Scene } from "./scene.ts";

declare global {
  interface Window {
    relevoFake?: FakeBackend;
  }
}

function chosenScene(name: string | null): Scene {
  return scenes.find((scene) => scene === name) ?? "chats";
}

export function createBrowserBackend(): FakeBackend {
  const query = new URLSearchParams(location.search);
  const fixed = query.get("clock") === "fixed" ? afternoon(Date.now()) : null;
  const backend = new FakeBackend({
    scene: chosenScene(query.get("scene")),
    latencyMs: Number(query.get("latency") ?? 30),
    now: () => fixed ?? Date.now(),
    replyMs: query.get("replies") === "off" ? null : 1200,
  });
  window.relevoFake = backend;
  return backend;
}
