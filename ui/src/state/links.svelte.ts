/** Links between people: making one, opening one that was received, ending one. */
import { toAppError, type Backend, type Params } from "../ipc/backend.ts";
import type {
  AppError,
  ConversationKey,
  IssuedLink,
  LinkKind,
  LinkPreview,
  NewLink,
} from "../ipc/bindings.ts";
import { Step } from "./step.svelte.ts";

/** An own link that is being shown: an invite for somebody new, or a card to be written to. */
export class ShareLink {
  readonly #backend: Backend;
  #kind = $state<LinkKind>("invite");
  /** Made once while the dialog is open, so that looking back and forth costs no links. */
  #made = $state.raw<Readonly<Partial<Record<LinkKind, NewLink>>>>({});
  #error = $state.raw<AppError | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get kind(): LinkKind {
    return this.#kind;
  }
  get link(): NewLink | null {
    return this.#made[this.#kind] ?? null;
  }
  get error(): AppError | null {
    return this.#error;
  }

  async show(kind: LinkKind): Promise<void> {
    this.#kind = kind;
    this.#error = null;
    if (this.#made[kind]) return;
    try {
      const link = await this.#backend.call(kind === "invite" ? "createInvite" : "createContactLink", {});
      this.#made = { ...this.#made, [kind]: link };
    } catch (thrown) {
      if (this.#kind === kind) this.#error = toAppError(thrown);
    }
  }
}

/** Links that were made before and still work. */
export class IssuedLinks {
  readonly #backend: Backend;
  readonly step = new Step();
  #links = $state.raw<readonly IssuedLink[] | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get links(): readonly IssuedLink[] | null {
    return this.#links;
  }

  async load(): Promise<void> {
    await this.step.run(async () => {
      this.#links = await this.#backend.call("links", {});
    });
  }

  async end(token: string): Promise<void> {
    await this.step.run(async () => {
      this.#links = await this.#backend.call("endLink", { token });
    });
  }
}

/** The text of a link while it is typed, pasted or read from a picture, and what it says. */
export class LinkText {
  readonly #backend: Backend;
  #text = $state("");
  #preview = $state.raw<LinkPreview | null>(null);
  #error = $state.raw<AppError | null>(null);
  #turn = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get text(): string {
    return this.#text;
  }
  get preview(): LinkPreview | null {
    return this.#preview;
  }
  get error(): AppError | null {
    return this.#error;
  }

  /** Reads the link; nothing happens yet. The newest text wins. */
  async write(text: string): Promise<void> {
    this.#text = text;
    const turn = this.#restart();
    if (text.trim() === "") return;
    try {
      const preview = await this.#backend.call("inspectLink", { text: text.trim() });
      if (turn === this.#turn) this.#preview = preview;
    } catch (thrown) {
      if (turn === this.#turn) this.#error = toAppError(thrown);
    }
  }

  async readPicture(picture: Params<"readQr">): Promise<void> {
    const turn = this.#restart();
    try {
      const text = await this.#backend.call("readQr", picture);
      if (turn === this.#turn) await this.write(text);
    } catch (thrown) {
      if (turn === this.#turn) this.#error = toAppError(thrown);
    }
  }

  #restart(): number {
    this.#preview = null;
    this.#error = null;
    this.#turn += 1;
    return this.#turn;
  }
}

/** A link of somebody else that is about to be opened. */
export class OpenLink {
  readonly #backend: Backend;
  readonly link: LinkText;
  readonly #opening = new Step();
  /** An account was to be made with it, and there was one already. */
  #unused = $state(false);

  constructor(backend: Backend, text: string, unused = false) {
    this.#backend = backend;
    this.link = new LinkText(backend);
    this.#unused = unused;
    if (text !== "") void this.link.write(text);
  }

  get preview(): LinkPreview | null {
    return this.link.preview;
  }
  get error(): AppError | null {
    return this.link.error ?? this.#opening.error;
  }
  get unused(): boolean {
    return this.#unused;
  }
  get busy(): boolean {
    return this.#opening.busy;
  }
  get canOpen(): boolean {
    const { preview } = this.link;
    if (this.busy || preview === null) return false;
    return preview.known !== null || (preview.sameRelay && preview.issuer !== null);
  }

  write(text: string): Promise<void> {
    this.#unused = false;
    this.#opening.forget();
    return this.link.write(text);
  }

  readPicture(picture: Params<"readQr">): Promise<void> {
    this.#unused = false;
    this.#opening.forget();
    return this.link.readPicture(picture);
  }

  /** The conversation with that person, or null when it did not work. */
  async open(): Promise<ConversationKey | null> {
    const { preview } = this.link;
    if (!preview || !this.canOpen) return null;
    if (preview.known !== null) return preview.known;
    let key: ConversationKey | null = null;
    await this.#opening.run(async () => {
      key = await this.#backend.call("openContact", { link: this.link.text.trim() });
    });
    return key;
  }
}
