import { daysBetween } from "../../i18n/dates.ts";
import type { MessageKey } from "../../i18n/en.ts";
import { t } from "../../i18n/i18n.svelte.ts";
import type { Presence } from "../../ipc/bindings.ts";

/** Rounded on purpose: the exact time is nobody's business. */
function lastSeen(days: number): MessageKey {
  if (days <= 0) return "presence.today";
  if (days === 1) return "presence.yesterday";
  if (days < 7) return "presence.week";
  return days < 31 ? "presence.month" : "presence.long";
}

/** Whether somebody is there, in words; null where it is not known or not shown. `connected`: are we? */
export function presenceWords(presence: Presence | null, connected: boolean, now: number): string | null {
  if (!presence) return null;
  if (!connected) return t("presence.unknown");
  if (presence.state === "online") return t("presence.online");
  return presence.lastSeen === null
    ? t("presence.offline")
    : t(lastSeen(daysBetween(presence.lastSeen, now)));
}
