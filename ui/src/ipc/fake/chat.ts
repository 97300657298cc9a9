/** One conversation as the fake program keeps it, and how its messages are made. */
import type {
  AccountId,
  Conversation,
  ConversationKey,
  Message,
  MessageKind,
  OutgoingState,
  SystemEvent,
} from "../bindings.ts";

export const ME: AccountId = "0e11aa00";
export const MINUTE = 60_000;
/** In minutes. */
export const DAY = 24 * 60;

export type Chat = Omit<Conversation, "unread" | "firstUnread" | "lastMessage" | "lastActivity"> & {
  readUpTo: number;
  messages: Message[];
};

export type Line = {
  mine?: boolean;
  text: string;
  minutesAgo: number;
  kind?: MessageKind;
  system?: SystemEvent;
  outgoing?: OutgoingState;
  count?: number;
};

export function hex(number: number): string {
  return number.toString(16).padStart(8, "0");
}

/** How long after writing each state was reached. */
const REACHED: readonly OutgoingState[] = ["sent", "delivered", "read"];

export function toMessage(
  key: ConversationKey,
  peer: AccountId,
  order: number,
  line: Line,
  now: number,
): Message {
  const mine = line.mine ?? false;
  const time = now - line.minutesAgo * MINUTE;
  const outgoing = mine ? (line.outgoing ?? "delivered") : null;
  const reached = (state: OutgoingState): number | null => {
    const step = REACHED.indexOf(state);
    return outgoing !== null && REACHED.indexOf(outgoing) >= step ? time + step * 2000 : null;
  };
  return {
    id: `${hex(key)}${hex(order)}`,
    conversation: key,
    kind: line.kind ?? "text",
    system: line.system ?? null,
    sender: mine ? ME : peer,
    mine,
    text: line.text,
    time,
    order,
    outgoing,
    count: line.count ?? null,
    sentAt: reached("sent"),
    deliveredAt: reached("delivered"),
    readAt: reached("read"),
  };
}

/** A conversation in which both may write and nothing is known about the other yet. */
export function emptyChat(key: ConversationKey, title: string, peer: AccountId): Chat {
  return {
    key,
    title,
    peer,
    established: true,
    draft: "",
    standing: "open",
    textsLeft: null,
    verified: false,
    presence: null,
    typing: false,
    heldUntil: null,
    looksLike: null,
    readUpTo: 0,
    messages: [],
  };
}

/** The row of the list. */
export function summary(chat: Chat, now: number): Conversation {
  const { readUpTo, messages, ...rest } = chat;
  const unread = messages.filter(
    (message) => !message.mine && message.kind !== "system" && message.order > readUpTo,
  );
  const lastMessage = messages.at(-1) ?? null;
  return {
    ...rest,
    unread: unread.length,
    lastMessage,
    lastActivity: lastMessage?.time ?? now - 60 * MINUTE,
    firstUnread: unread[0]?.id ?? null,
  };
}
