/** Spanish: neutral, with «tú». */
import type { MessageKey } from "./en.ts";
import { chat } from "./es/chat.ts";
import { damage } from "./es/damage.ts";
import { keeping } from "./es/keeping.ts";
import { people } from "./es/people.ts";
import { presence } from "./es/presence.ts";
import { settings } from "./es/settings.ts";
import { start } from "./es/start.ts";
import { trouble } from "./es/trouble.ts";
import { trust } from "./es/trust.ts";

export const es: Record<MessageKey, string> = {
  ...trouble,
  ...start,
  ...chat,
  ...people,
  ...trust,
  ...presence,
  ...keeping,
  ...damage,
  ...settings,
};
