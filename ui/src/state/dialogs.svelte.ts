/** Which dialog is open, with the state that it needs. One at a time. */
import type { Backend } from "../ipc/backend.ts";
import type { Conversation, LinkKind, Me, Mended, Message } from "../ipc/bindings.ts";
import { BringBack } from "./bringBack.svelte.ts";
import { ShownFolder } from "./folder.svelte.ts";
import { OpenHandle, OwnHandle } from "./handle.svelte.ts";
import { ExportChat, HealthState } from "./health.svelte.ts";
import { IssuedLinks, OpenLink, ShareLink } from "./links.svelte.ts";
import { OwnName } from "./ownName.svelte.ts";
import { OwnStatus } from "./ownStatus.svelte.ts";
import { BlockList } from "./people.svelte.ts";
import { PrivacyState } from "./privacy.svelte.ts";
import { Recovery } from "./recovery.svelte.ts";
import { Safety } from "./safety.svelte.ts";
import { WaysIn } from "./ways.svelte.ts";

/** What the parts of the settings show; each part reads its own when it is opened. */
export type Preferences = {
  privacy: PrivacyState;
  blockList: BlockList;
  ways: WaysIn;
  health: HealthState;
  name: OwnName;
  handle: OwnHandle;
  bringBack: BringBack;
};

export type SettingsPart = "general" | "account" | "privacy" | "protection" | "health";

export type Dialog =
  | { kind: "newChat" }
  | { kind: "share"; share: ShareLink }
  | { kind: "links"; links: IssuedLinks }
  | { kind: "openLink"; link: OpenLink }
  | { kind: "openHandle"; handle: OpenHandle }
  | { kind: "settings"; preferences: Preferences; part: SettingsPart }
  | { kind: "status"; status: OwnStatus }
  | { kind: "shortcuts" }
  | { kind: "details"; message: Message; name: string }
  | { kind: "safety"; safety: Safety }
  | { kind: "block"; conversation: Conversation }
  | { kind: "decline"; conversation: Conversation }
  | { kind: "export"; chat: ExportChat }
  | { kind: "recovery"; recovery: Recovery }
  | { kind: "mended"; mended: Mended; folder: ShownFolder };

export class Dialogs {
  readonly #backend: Backend;
  readonly #onbroughtback: () => void;
  #open = $state.raw<Dialog | null>(null);
  /** What was asked for while something had to be read first. */
  #waiting: Dialog | null = null;

  /** `onbroughtback` is called when messages came back that were not there before. */
  constructor(backend: Backend, onbroughtback: () => void) {
    this.#backend = backend;
    this.#onbroughtback = onbroughtback;
  }

  get open(): Dialog | null {
    return this.#open;
  }

  close(): void {
    this.#open = this.#waiting;
    this.#waiting = null;
  }

  newChat(): void {
    this.#show({ kind: "newChat" });
  }

  share(kind: LinkKind): void {
    const share = new ShareLink(this.#backend);
    void share.show(kind);
    this.#show({ kind: "share", share });
  }

  links(): void {
    const links = new IssuedLinks(this.#backend);
    void links.load();
    this.#show({ kind: "links", links });
  }

  /** `unused`: an account was to be made with it, and there was one already. */
  openLink(text: string, unused = false): void {
    this.#show({ kind: "openLink", link: new OpenLink(this.#backend, text, unused) });
  }

  openHandle(): void {
    this.#show({ kind: "openHandle", handle: new OpenHandle(this.#backend) });
  }

  settings(me: Me): void {
    this.#settings(me, "general");
  }

  /** Begins to choose a folder for the backup. */
  backupFolder(me: Me): void {
    void this.#settings(me, "health").health.begin();
  }

  #settings(me: Me, part: SettingsPart): Preferences {
    const backend = this.#backend;
    const preferences = {
      privacy: new PrivacyState(backend),
      blockList: new BlockList(backend),
      ways: new WaysIn(backend),
      health: new HealthState(backend),
      name: new OwnName(backend, me.name),
      handle: new OwnHandle(backend, me.handle),
      bringBack: new BringBack(backend, this.#onbroughtback),
    };
    this.#show({ kind: "settings", preferences, part });
    return preferences;
  }

  status(me: Me): void {
    this.#show({ kind: "status", status: new OwnStatus(this.#backend, me.presence) });
  }

  shortcuts(): void {
    this.#show({ kind: "shortcuts" });
  }

  details(message: Message, name: string): void {
    this.#show({ kind: "details", message, name });
  }

  safety(conversation: Conversation): void {
    const safety = new Safety(this.#backend, conversation.key);
    void safety.load();
    this.#show({ kind: "safety", safety });
  }

  block(conversation: Conversation): void {
    this.#show({ kind: "block", conversation });
  }

  decline(conversation: Conversation): void {
    this.#show({ kind: "decline", conversation });
  }

  export(conversation: Conversation): void {
    this.#show({ kind: "export", chat: new ExportChat(this.#backend, conversation.key) });
  }

  recovery(): void {
    this.#show({ kind: "recovery", recovery: new Recovery(this.#backend) });
  }

  mended(mended: Mended): void {
    this.#show({ kind: "mended", mended, folder: new ShownFolder(this.#backend, "quarantine") });
  }

  #show(dialog: Dialog): void {
    if (this.#open?.kind === "mended") this.#waiting = dialog;
    else this.#open = dialog;
  }
}
