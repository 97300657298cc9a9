/** What the fake program starts with: people and conversations to look at. */
import type { Presence, PresenceState } from "../bindings.ts";
import { DAY, emptyChat, hex, MINUTE, toMessage, type Chat, type Line } from "./chat.ts";
import { ana, archive, asked, bartholomew, blocked, happenings, impostor, luis, yusuf } from "./lines.ts";

export const RELAY = "relay.example.org:443";

export const scenes = [
  "firstRun",
  "noKeyring",
  "chats",
  "people",
  "empty",
  "due",
  "salvaged",
  "copy",
  "identityOnly",
  "locked",
  "lockedOut",
  "keyringFailed",
  "lostFiles",
  "lostKeys",
  "newer",
  "damaged",
  "backupTrouble",
  "broken",
  "inUse",
] as const;
export type Scene = (typeof scenes)[number];

/** A moment in the afternoon, so that "today" holds whatever the clock of the test machine says. */
export function afternoon(now: number): number {
  return new Date(now).setHours(17, 24, 0, 0);
}

/** How somebody is. */
export function there(
  state: PresenceState,
  text: string | null = null,
  since: number | null = null,
): Presence {
  return { state, lastSeen: null, since, text };
}

export function buildChats(scene: Scene, now: number): Chat[] {
  if (
    scene === "firstRun" ||
    scene === "noKeyring" ||
    scene === "empty" ||
    scene === "identityOnly" ||
    scene === "lostKeys"
  )
    return [];
  const chat = (key: number, title: string, peer: string, lines: Line[], more: Partial<Chat> = {}): Chat => {
    const messages = lines.map((line, index) => toMessage(key, peer, index + 1, line, now));
    return { ...emptyChat(key, title, peer), readUpTo: lines.length, messages, ...more };
  };
  const here = [
    there("idle", "Back at half past three ☕", now - 100 * MINUTE),
    there("doNotDisturb", null, now - 20 * MINUTE),
  ];
  const seen = (minutesAgo: number): Chat["presence"] => ({
    ...there("offline"),
    lastSeen: now - minutesAgo * MINUTE,
  });
  const small = [
    "Café con José",
    "Oma Hildegard",
    "Ming 明",
    "Book club 📚",
    "Ñandú Rodríguez",
    "Priya",
    "Dr. Sow",
  ];
  const chats = [
    chat(1, "Ana Morales", "a11a11a1", ana, {
      readUpTo: ana.length - 4,
      verified: true,
      presence: there("online"),
    }),
    chat(2, "Bartholomew Featherstonehaugh-Cholmondeley Wolfeschlegelsteinhausen", "b22b22b2", bartholomew, {
      presence: seen(200),
    }),
    chat(3, "", "c33c33c3", [], { established: false }),
    chat(4, "يوسف حدّاد", "d44d44d4", yusuf, { draft: "I will answer", presence: seen(2 * DAY) }),
    chat(5, "Harbour archive", "e55e55e5", archive(1200), { readUpTo: 1070 }),
    ...small.map((title, index) =>
      chat(
        6 + index,
        title,
        `f6${hex(index + 7).slice(-6)}`,
        [
          { text: "Hello from the other side of town", minutesAgo: (5 + index * 3) * DAY },
          {
            mine: index % 2 === 0,
            text: "See you soon.",
            minutesAgo: (5 + index * 3) * DAY - 3,
            outgoing: "read",
          },
        ],
        { presence: here[index] ?? seen((2 + index * 12) * DAY) },
      ),
    ),
  ];
  if (scene !== "people") return chats;
  return [
    ...chats,
    chat(20, "Luis Ferrer", "7c1d94e2", luis, { standing: "request", readUpTo: 0 }),
    chat(21, "Ana Moraies", "5be03f77", impostor, {
      standing: "request",
      readUpTo: 0,
      looksLike: "Ana Morales",
    }),
    chat(22, "Marta Ibáñez", "40aa91cd", asked, { standing: "asked", textsLeft: 1 }),
    chat(23, "Lucky Boats", "66e0b1f9", blocked, { standing: "blocked" }),
    chat(24, "Nadia Benali", "3d7702ac", happenings),
  ];
}
