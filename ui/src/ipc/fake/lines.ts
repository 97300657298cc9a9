/** What people wrote to each other before the fake program starts. */
import { DAY, type Line } from "./chat.ts";

const longText = Array.from(
  { length: 60 },
  (_, index) => `${index + 1}. A line of a list that somebody pasted from a document.`,
).join("\n");

export const ana: Line[] = [
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

export const bartholomew: Line[] = [
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

export const yusuf: Line[] = [
  { text: "مرحبا! هل وصلت رسالتي الأخيرة؟", minutesAgo: 2 * DAY },
  { mine: true, text: "نعم، وصلت. شكراً جزيلاً (v2.1 works!)", minutesAgo: 2 * DAY - 5 },
  { text: "The new build is called نسخة جديدة, please try it.", minutesAgo: 2 * DAY - 8 },
  { text: longText, minutesAgo: 2 * DAY - 9 },
  { kind: "unreadable", text: "", minutesAgo: 2 * DAY - 10 },
  { kind: "unsupported", text: "", minutesAgo: 2 * DAY - 12 },
];

const words = "harbour boat tide chart rope lantern pier gull storm engine anchor crew".split(" ");

export function archive(count: number): Line[] {
  return Array.from({ length: count }, (_, index) => ({
    mine: index % 3 === 0,
    text: `${index + 1}: ${words[index % words.length] ?? ""} ${"and so on ".repeat(index % 7)}`.trim(),
    minutesAgo: 20 * DAY + (count - index) * 17,
  }));
}

/** Everything that can happen in a conversation besides writing. */
export const happenings: Line[] = [
  { kind: "system", system: "conversationStarted", text: "", minutesAgo: 6 * DAY },
  { text: "Are you there?", minutesAgo: 5 * DAY },
  { kind: "system", system: "messagesMissing", count: 3, text: "", minutesAgo: 4 * DAY },
  { kind: "system", system: "messagesMissing", count: 1, text: "", minutesAgo: 4 * DAY - 5 },
  { kind: "system", system: "devicesChanged", text: "", minutesAgo: 3 * DAY },
  { kind: "system", system: "rejoined", text: "", minutesAgo: 2 * DAY },
  { kind: "system", system: "reset", text: "", minutesAgo: DAY },
  { mine: true, text: "Now it works again.", minutesAgo: DAY - 1 },
  { kind: "system", system: "splitView", text: "", minutesAgo: 60 },
];

export const luis: Line[] = [
  { text: "Hello! We met at the harbour on Sunday, I am the one with the blue boat.", minutesAgo: 12 },
  { text: "Marta told me how to find you.", minutesAgo: 11 },
];

export const impostor: Line[] = [
  { text: "Hi, new number, it is me. Can you send me the code?", minutesAgo: 70 },
];

export const asked: Line[] = [
  { mine: true, text: "Good morning, is the workshop open on Saturday?", minutesAgo: 130, outgoing: "sent" },
  { mine: true, text: "I would bring the engine.", minutesAgo: 129, outgoing: "sent" },
];

export const blocked: Line[] = [{ text: "You have won a boat! Click here.", minutesAgo: 9 * DAY }];
