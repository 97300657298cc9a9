/** Starts the window: picks the backend, builds the state, mounts the page. */
import { mount } from "svelte";
import { logErrors } from "./errorLog.ts";
import type { Backend } from "./ipc/backend.ts";
import { App } from "./state/app.svelte.ts";
import { Clock } from "./state/clock.svelte.ts";
import "./styles/base.css";
import Root from "./views/Root.svelte";

async function chooseBackend(): Promise<Backend> {
  // The build for people holds no fake; this comparison is decided while building.
  if (import.meta.env.MODE === "production" || "__TAURI_INTERNALS__" in window) {
    return (await import("./ipc/tauri.ts")).createTauriBackend();
  }
  return (await import("./ipc/fake/browser.ts")).createBrowserBackend();
}

async function start(): Promise<void> {
  const backend = await chooseBackend();
  logErrors(backend);
  const pseudo = import.meta.env.MODE !== "production" && location.search.includes("locale=pseudo");
  const app = new App(backend, {
    languages: navigator.languages,
    storage: localStorage,
    locale: pseudo ? "pseudo" : null,
  });
  app.setAttentive(document.hasFocus());
  const target = document.getElementById("app");
  if (!target) throw new Error("the page has no #app");
  mount(Root, { target, props: { app, clock: new Clock(Date.now) } });
  await app.start();
}

void start();
