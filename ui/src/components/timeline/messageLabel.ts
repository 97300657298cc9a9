import { clockTime } from "../../i18n/dates.ts";
import type { MessageKey } from "../../i18n/en.ts";
import { t } from "../../i18n/i18n.svelte.ts";
import type { Message, OutgoingState, SystemEvent } from "../../ipc/bindings.ts";

const states: Record<OutgoingState, MessageKey> = {
  queued: "state.queued",
  sent: "state.sent",
  delivered: "state.delivered",
  failed: "state.failed",
};

const events: Record<SystemEvent, MessageKey> = {
  conversationStarted: "message.started",
  messagesMissing: "message.missing",
};

/** A screen reader should not be held for minutes by one message. */
const SPOKEN_MAX = 1000;

/** What a message says in words, whatever its kind; `name` is the other person. */
export function messageWords(message: Message, name: string): string {
  switch (message.kind) {
    case "text":
      return message.text;
    case "unreadable":
      return t("message.unreadable");
    case "unsupported":
      return t("message.unsupported");
    case "system":
      return message.system === null ? "" : t(events[message.system], { name });
    default: {
      const unknown: never = message.kind;
      return String(unknown);
    }
  }
}

/** "Sender, text, time, state", for a screen reader. */
export function messageLabel(message: Message, name: string): string {
  const values = {
    sender: message.mine ? t("contact.you") : name,
    text: messageWords(message, name).slice(0, SPOKEN_MAX),
    time: clockTime(message.time),
  };
  return message.outgoing === null
    ? t("message.label", values)
    : t("message.labelState", { ...values, state: t(states[message.outgoing]) });
}
