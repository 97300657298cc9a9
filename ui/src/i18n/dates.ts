/** Dates and times in the language in use. All functions are pure in `now`. */
import { i18n, t } from "./i18n.svelte.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

function cached(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = `${i18n.tag} ${name}`;
  let found = formats.get(id);
  if (!found) {
    found = new Intl.DateTimeFormat(i18n.tag, options);
    formats.set(id, found);
  }
  return found;
}

export function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

/** Whole days between two moments by the calendar, so that a 23-hour day counts as one. */
export function daysBetween(earlier: number, later: number): number {
  return Math.round((startOfDay(later) - startOfDay(earlier)) / 86_400_000);
}

export function clockTime(time: number): string {
  return cached("clock", { hour: "numeric", minute: "2-digit" }).format(time);
}

export function exactTime(time: number): string {
  return cached("exact", { dateStyle: "full", timeStyle: "short" }).format(time);
}

/** To the second, for the details of a message. */
export function preciseTime(time: number): string {
  return cached("precise", { dateStyle: "full", timeStyle: "medium" }).format(time);
}

/** A moment in the past, for facts: "today at 17:24", "yesterday at 9:00", "22 November 2026". */
export function whenWords(time: number | null, now: number): string {
  if (time === null) return t("when.never");
  const days = daysBetween(time, now);
  if (days <= 0) return t("when.today", { time: clockTime(time) });
  if (days === 1) return t("when.yesterday", { time: clockTime(time) });
  return longDate(time);
}

/** A moment soon, for what goes on by itself then: "17:24", on another day "Tuesday 9:00". */
export function soonTime(time: number, now: number): string {
  if (daysBetween(now, time) === 0) return clockTime(time);
  return cached("soon", { weekday: "long", hour: "numeric", minute: "2-digit" }).format(time);
}

export function longDate(time: number): string {
  return cached("date", { dateStyle: "long" }).format(time);
}

/** The heading over the messages of one day. */
export function dayTitle(time: number, now: number): string {
  const days = daysBetween(time, now);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  if (days > 1 && days < 7) return cached("weekday", { weekday: "long" }).format(time);
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return sameYear
    ? cached("day", { weekday: "long", day: "numeric", month: "long" }).format(time)
    : longDate(time);
}

/** The short time at the end of a row in the chat list. */
export function listTime(time: number, now: number): string {
  const days = daysBetween(time, now);
  if (days <= 0) return clockTime(time);
  if (days === 1) return t("day.yesterday");
  if (days < 7) return cached("shortWeekday", { weekday: "short" }).format(time);
  return cached("numeric", { day: "numeric", month: "numeric", year: "2-digit" }).format(time);
}
