/** Theme, language and size of the window. */
import { i18n, systemLocale, type Locale } from "../i18n/i18n.svelte.ts";
import { toAppError, type Backend } from "../ipc/backend.ts";
import type { AppError, Language, Settings, Theme } from "../ipc/bindings.ts";

export const ZOOM_STEPS = [80, 90, 100, 110, 125, 150, 175, 200] as const;
const ZOOM_KEY = "zoom";

/** What the settings need from the browser; a test gives its own. */
export type Surroundings = {
  languages: readonly string[];
  storage: Pick<Storage, "getItem" | "setItem">;
  /** Overrules the language, for tests of layout. */
  locale: Locale | null;
};

export class SettingsState {
  readonly #backend: Backend;
  readonly #surroundings: Surroundings;
  #settings = $state.raw<Settings>({ theme: "system", language: "system" });
  #zoom = $state(100);
  #error = $state.raw<AppError | null>(null);

  constructor(backend: Backend, surroundings: Surroundings) {
    this.#backend = backend;
    this.#surroundings = surroundings;
    const stored = Number(surroundings.storage.getItem(ZOOM_KEY));
    if (ZOOM_STEPS.some((step) => step === stored)) this.#zoom = stored;
    this.#applyLanguage();
  }

  get theme(): Theme {
    return this.#settings.theme;
  }

  get language(): Language {
    return this.#settings.language;
  }

  get zoom(): number {
    return this.#zoom;
  }

  /** Why the last change was not kept. */
  get error(): AppError | null {
    return this.#error;
  }

  adopt(settings: Settings): void {
    this.#settings = settings;
    this.#applyLanguage();
  }

  setTheme(theme: Theme): Promise<void> {
    return this.#save({ ...this.#settings, theme });
  }

  setLanguage(language: Language): Promise<void> {
    return this.#save({ ...this.#settings, language });
  }

  zoomBy(step: 1 | -1): void {
    const at = ZOOM_STEPS.findIndex((value) => value >= this.#zoom);
    const next = ZOOM_STEPS[at + step];
    if (next !== undefined) this.#setZoom(next);
  }

  resetZoom(): void {
    this.#setZoom(100);
  }

  #setZoom(zoom: number): void {
    this.#zoom = zoom;
    this.#surroundings.storage.setItem(ZOOM_KEY, String(zoom));
  }

  async #save(settings: Settings): Promise<void> {
    const before = this.#settings;
    this.#error = null;
    this.adopt(settings);
    try {
      this.adopt(await this.#backend.call("saveSettings", { settings }));
    } catch (thrown) {
      this.adopt(before);
      this.#error = toAppError(thrown);
    }
  }

  #applyLanguage(): void {
    const { language } = this.#settings;
    const chosen = language === "system" ? systemLocale(this.#surroundings.languages) : language;
    i18n.use(this.#surroundings.locale ?? chosen);
  }
}
