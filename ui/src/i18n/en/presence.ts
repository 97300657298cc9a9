/** How people are: idle, not to be disturbed, a line of their own. */
export const presence = {
  "presence.idle": "Idle",
  "presence.idleHours": "{hours, plural, one {Idle for # hour} other {Idle for # hours}}",
  "presence.doNotDisturb": "Do not disturb",
  "presence.invisible": "Invisible",

  "status.open": "Your status: {status}",
  "status.title": "Your status",
  "status.available": "Available",
  "status.available.hint":
    "Others see that you are online, and that you are idle after five minutes without input.",
  "status.doNotDisturb.hint": "Others see that you do not want to be disturbed. Messages still arrive.",
  "status.invisible.hint":
    "Nobody sees that you are online, and you see it of nobody. Messages still arrive.",
  "status.until": "For how long",
  "status.until.open": "Until I change it",
  "status.until.halfHour": "30 minutes",
  "status.until.hour": "1 hour",
  "status.until.morning": "Until 8 in the morning",
  "status.until.today": "Today",
  "status.until.kept": "Until {time}",
  "status.text": "Status text",
  "status.text.hint": "One line that the people you accepted read beside your name.",
  "status.text.long": "At most 100 characters.",
  "status.text.invalid": "This text contains characters that cannot be shown.",
  "status.text.lasts": "How long it shows",
  "status.save": "Save",
} as const;
