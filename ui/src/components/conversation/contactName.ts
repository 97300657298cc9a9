import { accountLetters } from "../accountLetters.ts";
import { t } from "../../i18n/i18n.svelte.ts";
import type { Conversation } from "../../ipc/bindings.ts";

/** The name of the other person; before it is known, something to tell people apart. */
export function contactName(conversation: Pick<Conversation, "title" | "peer">): string {
  return conversation.title || t("contact.new", { short: accountLetters(conversation.peer) });
}
