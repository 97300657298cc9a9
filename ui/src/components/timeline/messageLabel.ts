import { clockTime } from "../../i18n/dates.ts";
import type { MessageKey } from "../../i18n/en.ts";
import { t } from "../../i18n/i18n.svelte.ts";
import type { Message, OutgoingState, Standing, SystemEvent } from "../../ipc/bindings.ts";

export const states: Record<OutgoingState, MessageKey> = {
  queued: "state.queued",
  sent: "state.sent",
  delivered: "state.delivered",
  read: "state.read",
  failed: "state.failed",
};

/** What happened, in words; `count` is how many, where it is known. */
function eventText(message: Message, event: SystemEvent, standing: Standing): MessageKey {
  switch (event) {
    case "conversationStarted":
      // A request has its group before anybody has accepted it.
      return standing === "open" ? "message.started" : "message.startedRequest";
    case "messagesMissing":
      return message.count === null ? "message.missing" : "message.missingCount";
    case "requestAccepted":
      return message.mine ? "message.acceptedByMe" : "message.accepted";
    case "rejoined":
      return "message.rejoined";
    case "reset":
      return "message.reset";
    case "devicesChanged":
      return "message.devices";
    case "splitView":
      return "message.splitView";
    case "relayWentBack":
      return "message.relayWentBack";
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}

/** A screen reader should not be held for minutes by one message. */
const SPOKEN_MAX = 1000;

/** What a message says in words, whatever its kind; `name` is the other person, `standing` how the two stand now. */
export function messageWords(message: Message, name: string, standing: Standing): string {
  switch (message.kind) {
    case "text":
      return message.text;
    case "unreadable":
      return t("message.unreadable");
    case "unsupported":
      return t("message.unsupported");
    case "system":
      return message.system === null
        ? ""
        : t(eventText(message, message.system, standing), { name, count: message.count ?? 0 });
    default: {
      const unknown: never = message.kind;
      return String(unknown);
    }
  }
}

/** "Sender, text, time, state" of what somebody wrote, for a screen reader. */
export function messageLabel(message: Message, name: string): string {
  const values = {
    sender: message.mine ? t("contact.you") : name,
    text: messageWords(message, name, "open").slice(0, SPOKEN_MAX),
    time: clockTime(message.time),
  };
  return message.outgoing === null
    ? t("message.label", values)
    : t("message.labelState", { ...values, state: t(states[message.outgoing]) });
}
