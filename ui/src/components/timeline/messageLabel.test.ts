import { afterEach, describe, expect, it } from "vitest";
import { i18n } from "../../i18n/i18n.svelte.ts";
import { ME, toMessage } from "../../ipc/fake/chat.ts";
import type { Message, Standing, SystemEvent } from "../../ipc/bindings.ts";
import { messageLabel, messageWords } from "./messageLabel.ts";

function system(event: SystemEvent, change: Partial<Message> = {}): Message {
  const line = { kind: "system", system: event, text: "", minutesAgo: 0 } as const;
  return { ...toMessage(1, "a11a11a1", 1, line, 0), ...change };
}

const plain = (text: string) => text.replaceAll(/[\u2068\u2069]/gu, "");

afterEach(() => i18n.use("en"));

describe("what happened in a chat", () => {
  it("counts missing messages in both languages", () => {
    const words = (count: number | null) => messageWords(system("messagesMissing", { count }), "Ana", "open");
    expect(words(1)).toBe("1 message is missing here.");
    expect(words(3)).toBe("3 messages are missing here.");
    expect(words(null)).toBe("Some messages may be missing here.");
    i18n.use("es");
    expect(words(1)).toMatch(/^Falta 1 mensaje/);
    expect(words(3)).toMatch(/^Faltan 3 mensajes/);
  });

  it("says who accepted", () => {
    expect(plain(messageWords(system("requestAccepted"), "Ana", "open"))).toMatch(/^Ana accepted/);
    const mine = system("requestAccepted", { mine: true, sender: ME });
    expect(plain(messageWords(mine, "Ana", "open"))).toMatch(/^You accepted Ana/);
  });

  it("counts nobody among the chats before a request is accepted", () => {
    const words = (standing: Standing) => messageWords(system("conversationStarted"), "Ana", standing);
    expect(plain(words("open"))).toMatch(/^Ana is in your chats now/);
    for (const standing of ["request", "asked", "blocked"] as const) {
      expect(words(standing)).not.toContain("chats");
      expect(words(standing)).toContain("end-to-end encrypted");
    }
    i18n.use("es");
    expect(words("request")).not.toContain("chats");
  });

  it("has words for everything", () => {
    const events: SystemEvent[] = [
      "conversationStarted",
      "rejoined",
      "reset",
      "devicesChanged",
      "splitView",
      "relayWentBack",
    ];
    for (const event of events) {
      expect(messageWords(system(event), "Ana", "open").length, event).toBeGreaterThan(20);
    }
  });
});

describe("a message for the screen reader", () => {
  it("tells that it was read", () => {
    const message = toMessage(1, "a", 1, { mine: true, text: "Hi", minutesAgo: 0, outgoing: "read" }, 0);
    expect(messageLabel(message, "Ana")).toMatch(/Read\W*$/);
    expect(message.readAt).toBeGreaterThan(message.deliveredAt ?? Infinity);
  });
});
