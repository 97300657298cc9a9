import { daysBetween } from "../../i18n/dates.ts";
import type { MessageKey } from "../../i18n/en.ts";
import { t } from "../../i18n/i18n.svelte.ts";
import type { Presence } from "../../ipc/bindings.ts";

const HOUR_MS = 3_600_000;

/** Rounded on purpose: the exact time is nobody's business. */
function lastSeen(days: number): MessageKey {
  if (days <= 0) return "presence.today";
  if (days === 1) return "presence.yesterday";
  if (days < 7) return "presence.week";
  return days < 31 ? "presence.month" : "presence.long";
}

/** How somebody is, in words. */
export function stateWords(presence: Presence, now: number): string {
  switch (presence.state) {
    case "online":
      return t("presence.online");
    case "idle": {
      const hours = presence.since === null ? 0 : Math.floor((now - presence.since) / HOUR_MS);
      return hours < 1 ? t("presence.idle") : t("presence.idleHours", { hours });
    }
    case "doNotDisturb":
      return t("presence.doNotDisturb");
    case "offline":
      return presence.lastSeen === null
        ? t("presence.offline")
        : t(lastSeen(daysBetween(presence.lastSeen, now)));
    default: {
      const unknown: never = presence.state;
      throw new Error(`unknown state: ${JSON.stringify(unknown)}`);
    }
  }
}

/** Whether somebody is there, in words; null where it is not known or not shown. `connected`: are we? */
export function presenceWords(presence: Presence | null, connected: boolean, now: number): string | null {
  if (!presence) return null;
  return connected ? stateWords(presence, now) : t("presence.unknown");
}

/** What somebody says beside it, while it holds. */
export function statusText(presence: Presence | null, connected: boolean): string | null {
  return connected ? (presence?.text ?? null) : null;
}
