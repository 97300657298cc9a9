/** From a run of messages to what is drawn: days, groups by sender, the unread divider. */
import type { AccountId, ConversationKey, Message, MessageId } from "../ipc/bindings.ts";
import { startOfDay } from "../i18n/dates.ts";

/** Messages of one sender within this time share one group. */
const GROUP_MS = 5 * 60_000;

export type Item = {
  /** Stays the same when a drawn message becomes a committed one. */
  key: string;
  message: Message;
  /** Drawn, but not yet written by the program. */
  pending: boolean;
};

export type Divider = { before: MessageId; count: number };

export type Row =
  | { kind: "unread"; key: string; count: number }
  | { kind: "item"; key: string; item: Item; first: boolean; last: boolean };

export type Day = { key: string; time: number; rows: Row[] };

/** An own message that the program has not written yet. It stands below all others. */
export function drawnMessage(
  id: MessageId,
  conversation: ConversationKey,
  me: AccountId,
  text: string,
  now: number,
): Message {
  return {
    id,
    conversation,
    kind: "text",
    system: null,
    sender: me,
    mine: true,
    text,
    time: now,
    order: Number.POSITIVE_INFINITY,
    outgoing: "queued",
    count: null,
    sentAt: null,
    deliveredAt: null,
    readAt: null,
  };
}

/** What the program counts as unread: whatever the other sent, and not what the app itself notes between messages. */
export function countsAsUnread(message: Message): boolean {
  return !message.mine && message.kind !== "system";
}

/** The same note once more, which says nothing new. Notes that count something are added up by nobody, so they stay. */
function repeats(earlier: Message, later: Message): boolean {
  return (
    earlier.kind === "system" &&
    later.kind === "system" &&
    earlier.system === later.system &&
    earlier.mine === later.mine &&
    earlier.count === null &&
    later.count === null &&
    startOfDay(earlier.time) === startOfDay(later.time)
  );
}

/** Without notes that stand there already: of equal ones the newest is drawn, in the place of the first. */
function withoutRepeats(items: readonly Item[], divider: Divider | null): Item[] {
  const drawn: Item[] = [];
  for (const item of items) {
    const last = drawn.at(-1);
    if (last && item.message.id !== divider?.before && repeats(last.message, item.message))
      drawn.splice(-1, 1, { ...item, key: last.key });
    else drawn.push(item);
  }
  return drawn;
}

function sameGroup(earlier: Message, later: Message): boolean {
  return (
    earlier.kind !== "system" &&
    later.kind !== "system" &&
    earlier.sender === later.sender &&
    later.time - earlier.time < GROUP_MS &&
    startOfDay(earlier.time) === startOfDay(later.time)
  );
}

export function buildDays(all: readonly Item[], divider: Divider | null): Day[] {
  const items = withoutRepeats(all, divider);
  const days: Day[] = [];
  const used = new Set<string>();
  let day: Day | null = null;
  items.forEach((item, index) => {
    const start = startOfDay(item.message.time);
    if (!day || day.time !== start) {
      // A day can come twice when a clock was wrong; its key must not.
      const key = used.has(`day-${start}`) ? `day-${start}-${item.key}` : `day-${start}`;
      used.add(key);
      day = { key, time: start, rows: [] };
      days.push(day);
    }
    const divided = divider !== null && divider.before === item.message.id;
    if (divided) day.rows.push({ kind: "unread", key: "unread", count: divider.count });
    const previous = items[index - 1];
    const next = items[index + 1];
    const nextDivided = next !== undefined && next.message.id === divider?.before;
    day.rows.push({
      kind: "item",
      key: item.key,
      item,
      first: divided || !previous || !sameGroup(previous.message, item.message),
      last: nextDivided || !next || !sameGroup(item.message, next.message),
    });
  });
  return days;
}
