/**
 * The messages of the open conversation.
 *
 * `#messages` is one unbroken run that ends at the newest message. Only the
 * slice from `#start` to `#end` is drawn, so that a long history costs memory
 * but never a slow page.
 */
import type { Backend } from "../ipc/backend.ts";
import type { AccountId, Conversation, ConversationKey, Message, MessageId } from "../ipc/bindings.ts";
import {
  buildDays,
  countsAsUnread,
  drawnMessage,
  type Day,
  type Divider,
  type Item,
} from "./timelineRows.ts";

export const PAGE = 60;
/** One request never asks for more than this. */
const REQUEST_MAX = 200;
/** At most this many messages are drawn at once. */
export const DRAWN_MAX = 400;
/** Loaded messages that are kept when the person returns to the end. */
const KEPT_MAX = 2000;

export class Timeline {
  readonly conversation: ConversationKey;
  readonly #backend: Backend;
  readonly #me: AccountId;
  readonly #localKeys = new Map<MessageId, string>();
  #messages = $state.raw<readonly Message[]>([]);
  #pending = $state.raw<readonly Item[]>([]);
  #start = $state(0);
  #end = $state(0);
  #more = $state(true);
  #loading = $state(false);
  #ready = $state(false);
  #failed = $state(false);
  #divider = $state.raw<Divider | null>(null);
  #seen = $state(Number.NEGATIVE_INFINITY);
  #latestIncoming = $state.raw<Message | null>(null);
  #target = $state.raw<MessageId | null>(null);
  #endRequests = $state(0);
  #atEnd = true;
  #work: Promise<void> = Promise.resolve();
  #pendingCount = 0;
  readonly #days = $derived.by(() => this.#buildDays());

  constructor(backend: Backend, conversation: Conversation, me: AccountId) {
    this.#backend = backend;
    this.#me = me;
    this.conversation = conversation.key;
    if (conversation.firstUnread !== null && conversation.unread > 0) {
      this.#divider = { before: conversation.firstUnread, count: conversation.unread };
    }
  }

  get ready(): boolean {
    return this.#ready;
  }
  get loading(): boolean {
    return this.#loading;
  }
  /** The first page could not be read: nothing is shown until `open` works. */
  get failed(): boolean {
    return this.#failed;
  }
  get days(): readonly Day[] {
    return this.#days;
  }
  get empty(): boolean {
    return this.#ready && this.#messages.length === 0 && this.#pending.length === 0;
  }
  find(id: MessageId): Message | null {
    return this.#messages[this.#indexOf(id)] ?? null;
  }
  get divider(): Divider | null {
    return this.#divider;
  }
  /** The message that a search result asked for; the view scrolls to it once. */
  get target(): MessageId | null {
    return this.#target;
  }
  /** The newest message of the other person that arrived while this chat is open. */
  get latestIncoming(): Message | null {
    return this.#latestIncoming;
  }
  /** Grows whenever the view has to go to the newest message. */
  get endRequests(): number {
    return this.#endRequests;
  }
  get endDrawn(): boolean {
    return this.#end === this.#messages.length;
  }
  get hasOlder(): boolean {
    return this.#start > 0 || this.#more;
  }
  get unseen(): number {
    return this.#messages.filter((message) => countsAsUnread(message) && message.order > this.#seen).length;
  }

  /** Loads the newest page, and as far back as the unread divider. What is there already is not loaded again. */
  open(): Promise<void> {
    return this.#next(async () => {
      if (this.#ready) return;
      try {
        await this.#loadFirst();
        this.#failed = false;
      } catch (thrown) {
        this.#failed = true;
        throw thrown;
      }
    });
  }

  /** One more page upwards. */
  older(): Promise<void> {
    return this.#next(async () => {
      if (this.#start > 0) {
        this.#start = Math.max(0, this.#start - PAGE);
      } else {
        await this.#loadOlder(PAGE);
        this.#start = 0;
      }
      this.#end = Math.min(this.#end, this.#start + DRAWN_MAX);
    });
  }

  /** One more page downwards, after the far end was dropped. */
  newer(): void {
    if (this.endDrawn) return;
    this.#end = Math.min(this.#messages.length, this.#end + PAGE);
    this.#start = Math.max(this.#start, this.#end - DRAWN_MAX);
  }

  toEnd(): void {
    if (this.#messages.length > KEPT_MAX) {
      this.#messages = this.#messages.slice(-DRAWN_MAX);
      this.#more = true;
    }
    this.#end = this.#messages.length;
    this.#start = Math.max(0, this.#end - DRAWN_MAX / 2);
    this.#endRequests += 1;
  }

  /** Loads back to one message, draws around it and asks the view to show it. */
  reveal(id: MessageId): Promise<void> {
    return this.#next(async () => {
      await this.#loadUntil(id);
      if (this.#indexOf(id) === -1) return;
      this.#drawAround(id);
      this.#target = id;
    });
  }

  revealed(): void {
    this.#target = null;
  }

  /** The view says whether it stands at the newest message. */
  standsAtEnd(atEnd: boolean): void {
    this.#atEnd = atEnd;
  }

  /** Everything up to `order` was on the screen. Returns false when that is not news. */
  see(order: number): boolean {
    if (order <= this.#seen) return false;
    this.#seen = order;
    return true;
  }

  /** New or changed messages. `attentive`: the person is looking at this window. */
  changed(ids: readonly MessageId[], attentive: boolean): Promise<void> {
    return this.#next(async () => {
      if (this.#failed) return;
      const messages = await this.#backend.call("messagesByIds", {
        conversation: this.conversation,
        ids: [...ids],
      });
      this.#merge(messages, attentive);
    });
  }

  /** Messages that are gone: also from what was asked for before and is on its way. */
  removed(ids: readonly MessageId[]): Promise<void> {
    return this.#next(() => {
      const gone = new Set(ids);
      this.#replace(this.#messages.filter((message) => !gone.has(message.id)));
    });
  }

  /** Draws an own message before it is written. The result ends the drawing in one of two ways. */
  draw(text: string, now: number): { committed(message: Message): void; rejected(): void } {
    const key = `local-${(this.#pendingCount += 1)}`;
    const message = drawnMessage(key, this.conversation, this.#me, text, now);
    this.#pending = [...this.#pending, { key, message, pending: true }];
    this.toEnd();
    return {
      committed: (written) => {
        if (this.#pending.some((item) => item.key === key)) {
          this.#localKeys.set(written.id, key);
          this.#dropPending(key);
        }
        this.#merge([written], true);
      },
      rejected: () => this.#dropPending(key),
    };
  }

  merge(message: Message): void {
    this.#merge([message], true);
  }

  #buildDays(): Day[] {
    const items: Item[] = this.#messages.slice(this.#start, this.#end).map((message) => ({
      key: this.#localKeys.get(message.id) ?? message.id,
      message,
      pending: false,
    }));
    if (this.endDrawn) items.push(...this.#pending);
    return buildDays(items, this.#divider);
  }

  #dropPending(key: string): void {
    this.#pending = this.#pending.filter((item) => item.key !== key);
  }

  #merge(changed: readonly Message[], attentive: boolean): void {
    const byId = new Map(this.#messages.map((message) => [message.id, message]));
    const oldest = this.#messages[0];
    for (const message of changed) {
      const isNew = !byId.has(message.id);
      // Older than the loaded run: it comes with its page.
      if (isNew && this.#more && oldest && message.order < oldest.order) continue;
      if (isNew) this.#arrived(message, attentive);
      byId.set(message.id, message);
    }
    this.#replace([...byId.values()].sort((a, b) => a.order - b.order));
  }

  #arrived(message: Message, attentive: boolean): void {
    if (message.mine) {
      // The event about an own message can come before the answer of its command.
      const drawn = this.#pending.find((item) => item.message.text === message.text);
      if (!drawn) return;
      this.#localKeys.set(message.id, drawn.key);
      this.#dropPending(drawn.key);
      return;
    }
    this.#latestIncoming = message;
    if (attentive || !countsAsUnread(message)) return;
    this.#divider = this.#divider
      ? { ...this.#divider, count: this.#divider.count + 1 }
      : { before: message.id, count: 1 };
  }

  /** Sets the run and keeps drawing the same part of it. */
  #replace(messages: readonly Message[]): void {
    const first = this.#messages[this.#start];
    const last = this.#messages[this.#end - 1];
    const followed = this.endDrawn;
    this.#messages = messages;
    const start = first ? messages.findIndex((message) => message.order >= first.order) : 0;
    this.#start = start === -1 ? Math.max(0, messages.length - PAGE) : start;
    const end = last ? messages.findLastIndex((message) => message.order <= last.order) + 1 : messages.length;
    this.#end = followed ? messages.length : end;
    if (followed && this.#atEnd) this.#start = Math.max(this.#start, this.#end - DRAWN_MAX);
  }

  #indexOf(id: MessageId): number {
    return this.#messages.findIndex((message) => message.id === id);
  }

  #drawAround(id: MessageId | null): void {
    const at = id === null ? -1 : this.#indexOf(id);
    if (at === -1) {
      this.#end = this.#messages.length;
      this.#start = Math.max(0, this.#end - PAGE);
      return;
    }
    this.#start = Math.max(0, at - PAGE);
    this.#end = Math.min(this.#messages.length, this.#start + DRAWN_MAX);
  }

  async #loadFirst(): Promise<void> {
    if (this.#failed) this.#forget();
    const divider = this.#divider;
    await this.#loadOlder(Math.min(REQUEST_MAX, PAGE + (divider?.count ?? 0)));
    if (divider) await this.#loadUntil(divider.before);
    this.#drawAround(divider?.before ?? null);
    const known = divider ? this.#indexOf(divider.before) : -1;
    const lastRead = known === -1 ? this.#messages.at(-1) : this.#messages[known - 1];
    if (lastRead) this.#seen = lastRead.order;
    this.#ready = true;
  }

  /** What a failed attempt left is no unbroken run to the newest message. */
  #forget(): void {
    this.#messages = [];
    this.#start = 0;
    this.#end = 0;
    this.#more = true;
  }

  async #loadUntil(id: MessageId): Promise<void> {
    while (this.#more && this.#indexOf(id) === -1) await this.#loadOlder(REQUEST_MAX);
  }

  async #loadOlder(limit: number): Promise<void> {
    if (!this.#more) return;
    this.#loading = true;
    try {
      const page = await this.#backend.call("messages", {
        conversation: this.conversation,
        before: this.#messages[0]?.order ?? null,
        limit,
      });
      const known = new Set(this.#messages.map((message) => message.id));
      const added = page.messages.filter((message) => !known.has(message.id));
      this.#messages = [...added, ...this.#messages];
      this.#start += added.length;
      this.#end += added.length;
      this.#more = page.more && page.messages.length > 0;
    } finally {
      this.#loading = false;
    }
  }

  /** One change of the run at a time, in the order in which they were asked for. */
  #next(step: () => Promise<void> | void): Promise<void> {
    const done = this.#work.then(step);
    this.#work = done.catch(() => undefined);
    return done;
  }
}
