/** English, the language that the others are checked against. Short sentences, plain verbs. */
import { chat } from "./en/chat.ts";
import { damage } from "./en/damage.ts";
import { keeping } from "./en/keeping.ts";
import { people } from "./en/people.ts";
import { presence } from "./en/presence.ts";
import { settings } from "./en/settings.ts";
import { start } from "./en/start.ts";
import { trouble } from "./en/trouble.ts";
import { trust } from "./en/trust.ts";

export const en = {
  ...trouble,
  ...start,
  ...chat,
  ...people,
  ...trust,
  ...presence,
  ...keeping,
  ...damage,
  ...settings,
} as const satisfies Record<string, string>;

export type MessageKey = keyof typeof en;
