/** What the fake program starts with: people, conversations and messages to look at. */
import type {
  AccountId,
  ConversationKey,
  Message,
  MessageKind,
  OutgoingState,
  SystemEvent,
} from "../bindings.ts";

export const ME: AccountId = "0e11aa00";
export const RELAY = "relay.example.org:443";

export const scenes = [
  "firstRun",
  "noKeyring",
  "chats",
  "empty",
  "locked",
  "keyringFailed",
  "broken",
  "inUse",
] as const;
export type Scene = (typeof scenes)[number];

export type Chat = {
  key: ConversationKey;
  title: string;
  peer: AccountId;
  established: boolean;
  draft: string;
  readUpTo: number;
  messages: Message[];
};

type Line = {
  mine?: boolean;
  text: string;
  minutesAgo: number;
  kind?: MessageKind;
  system?: SystemEvent;
  outgoing?: OutgoingState;
};

const MINUTE = 60_000;
const DAY = 24 * 60;

const longText = Array.from(
  { length: 60 },
  (_, index) => `${index + 1}. A line of a list that somebody pasted from a document.`,
).join("\n");

const ana: Line[] = [
  { kind: "system", system: "conversationStarted", text: "", minutesAgo: 3 * DAY + 60 },
  { text: "Hi! This is my new number-free messenger 🙂", minutesAgo: 3 * DAY + 55 },
  { mine: true, text: "Finally. No phone number and no e-mail, I like it.", minutesAgo: 3 * DAY + 50 },
  { text: "Did the relay on the old laptop survive the night?", minutesAgo: DAY + 90 },
  { mine: true, text: "Yes, up for nine days now.", minutesAgo: DAY + 88 },
  { mine: true, text: "It uses less power than the lamp next to it.", minutesAgo: DAY + 87 },
  {
    text: "Shopping list:\n- bread\n- olive oil\n- two lemons\n- rice\n- coffee\n- onions\n- something sweet\n- batteries (AA)\n- the blue pen",
    minutesAgo: 190,
  },
  { mine: true, text: "👍", minutesAgo: 185 },
  {
    mine: true,
    text: "I can be there at seven. The train is often late on Fridays, so if you do not see me on the platform just wait in the café with the green door, the one across from the station, and I will come and find you there.",
    minutesAgo: 180,
  },
  { text: "Perfect, the green door.", minutesAgo: 42 },
  { text: "I bring the tickets.", minutesAgo: 41 },
  { text: "🎭", minutesAgo: 41 },
  { text: "See https://theatre.example.org/programme/november for the seats", minutesAgo: 40 },
];

const bartholomew: Line[] = [
  {
    text: "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2),
    minutesAgo: 300,
  },
  { mine: true, text: "That does not fit on a door sign.", minutesAgo: 299, outgoing: "sent" },
  {
    mine: true,
    text: "Shall I send you the minutes of the meeting as a file?",
    minutesAgo: 90,
    outgoing: "failed",
  },
  { mine: true, text: "Otherwise I read them to you on Monday.", minutesAgo: 89, outgoing: "queued" },
];

const yusuf: Line[] = [
  { text: "مرحبا! هل وصلت رسالتي الأخيرة؟", minutesAgo: 2 * DAY },
  { mine: true, text: "نعم، وصلت. شكراً جزيلاً (v2.1 works!)", minutesAgo: 2 * DAY - 5 },
  { text: "The new build is called نسخة جديدة, please try it.", minutesAgo: 2 * DAY - 8 },
  { text: longText, minutesAgo: 2 * DAY - 9 },
  { kind: "unreadable", text: "", minutesAgo: 2 * DAY - 10 },
  { kind: "unsupported", text: "", minutesAgo: 2 * DAY - 12 },
];

const words = "harbour boat tide chart rope lantern pier gull storm engine anchor crew".split(" ");

function archive(count: number): Line[] {
  return Array.from({ length: count }, (_, index) => ({
    mine: index % 3 === 0,
    text: `${index + 1}: ${words[index % words.length] ?? ""} ${"and so on ".repeat(index % 7)}`.trim(),
    minutesAgo: 20 * DAY + (count - index) * 17,
  }));
}

function hex(number: number): string {
  return number.toString(16).padStart(8, "0");
}

export function toMessage(
  key: ConversationKey,
  peer: AccountId,
  order: number,
  line: Line,
  now: number,
): Message {
  const mine = line.mine ?? false;
  return {
    id: `${hex(key)}${hex(order)}`,
    conversation: key,
    kind: line.kind ?? "text",
    system: line.system ?? null,
    sender: mine ? ME : peer,
    mine,
    text: line.text,
    time: now - line.minutesAgo * MINUTE,
    order,
    outgoing: mine ? (line.outgoing ?? "delivered") : null,
  };
}

/** A moment in the afternoon, so that "today" holds whatever the clock of the test machine says. */
export function afternoon(now: number): number {
  return new Date(now).setHours(17, 24, 0, 0);
}

export function buildChats(scene: Scene, now: number): Chat[] {
  if (scene === "firstRun" || scene === "noKeyring" || scene === "empty") return [];
  const chat = (key: number, title: string, peer: string, lines: Line[], unread = 0, draft = ""): Chat => {
    const messages = lines.map((line, index) => toMessage(key, peer, index + 1, line, now));
    return { key, title, peer, established: true, draft, readUpTo: lines.length - unread, messages };
  };
  const small = [
    "Café con José",
    "Oma Hildegard",
    "Ming 明",
    "Book club 📚",
    "Ñandú Rodríguez",
    "Priya",
    "Dr. Sow",
  ];
  return [
    chat(1, "Ana Morales", "a11a11a1", ana, 4),
    chat(2, "Bartholomew Featherstonehaugh-Cholmondeley Wolfeschlegelsteinhausen", "b22b22b2", bartholomew),
    { ...chat(3, "", "c33c33c3", [], 0, ""), established: false },
    chat(4, "يوسف حدّاد", "d44d44d4", yusuf, 0, "I will answer"),
    chat(5, "Harbour archive", "e55e55e5", archive(1200), 130),
    ...small.map((title, index) =>
      chat(6 + index, title, `f6${hex(index + 7).slice(-6)}`, [
        { text: "Hello from the other side of town", minutesAgo: (5 + index * 3) * DAY },
        { mine: index % 2 === 0, text: "See you soon.", minutesAgo: (5 + index * 3) * DAY - 3 },
      ]),
    ),
  ];
}
