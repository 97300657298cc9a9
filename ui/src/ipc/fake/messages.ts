/** Commands about conversations, their messages, and what keeps them. */
import { appError } from "../backend.ts";
import { checkCode } from "./account.ts";
import { DAY } from "./chat.ts";
import { FOLDER, type Handlers, type World } from "./world.ts";

const endings = { html: "html", markdown: "md", json: "json" } as const;

export function messageHandlers(world: World) {
  return {
    conversations: () => world.summaries(),
    messages: ({ conversation, before, limit }) => {
      const all = world.chat(conversation).messages.filter((m) => before === null || m.order < before);
      return { messages: all.slice(-limit), more: all.length > limit };
    },
    messagesByIds: ({ conversation, ids }) =>
      world.chat(conversation).messages.filter((message) => ids.includes(message.id)),
    sendText: ({ conversation, text }) => {
      if (text.trim() === "" || text.length > 16_000) throw appError("textInvalid");
      const chat = world.chat(conversation);
      if (chat.standing === "request" || chat.standing === "blocked") throw appError("refused");
      if (chat.textsLeft === 0) throw appError("requestLimit");
      if (chat.textsLeft !== null) chat.textsLeft -= 1;
      const message = world.append(chat, { mine: true, text, minutesAgo: 0, outgoing: "queued" });
      world.changed(chat, [message.id]);
      if (world.online) world.deliver(message);
      else world.announceConnection();
      return message;
    },
    retryMessage: ({ conversation, id }) => {
      const message = world.message(conversation, id);
      message.outgoing = "queued";
      world.changed(world.chat(conversation), [id]);
      if (world.online) world.deliver(message);
      return message;
    },
    deleteMessage: ({ conversation, id }) => {
      const chat = world.chat(conversation);
      if (world.message(conversation, id).outgoing !== "failed") throw appError("refused");
      chat.messages = chat.messages.filter((message) => message.id !== id);
      world.emit({ type: "messagesRemoved", conversation, ids: [id] });
      world.listChanged(conversation);
      return null;
    },
    saveDraft: ({ conversation, text }) => {
      world.chat(conversation).draft = text;
      world.listChanged(conversation);
      return null;
    },
    markRead: ({ conversation, upTo }) => {
      const chat = world.chat(conversation);
      chat.readUpTo = Math.max(chat.readUpTo, upTo);
      world.listChanged(conversation);
      return null;
    },
    search: ({ query, limit }) => {
      const wanted = query.toLocaleLowerCase();
      return world.chats
        .flatMap((chat) => chat.messages.map((message) => ({ message, conversationTitle: chat.title })))
        .filter((hit) => hit.message.text.toLocaleLowerCase().includes(wanted))
        .sort((a, b) => b.message.time - a.message.time)
        .slice(0, limit);
    },
    reconnect: () => {
      world.setOnline(true, null);
      return null;
    },
    reportError: () => null,
    health: () => world.health,
    bringBack: ({ folder, code }) => {
      if (folder !== FOLDER) throw appError("folder");
      if (code !== null) checkCode(code);
      else if (folder !== world.health.backupFolder) throw appError("wrongCode");
      const time = world.now - DAY * 60_000;
      if (world.broughtBack) return { messages: 0, time };
      world.broughtBack = true;
      const chat = world.chat(1);
      world.append(chat, { text: "From the backup", minutesAgo: 2 });
      world.listChanged(chat.key);
      return { messages: 1, time };
    },
    discardDamaged: () => Object.assign(world.health, { damaged: [] }),
    pickFolder: () => FOLDER,
    openFolder: () => null,
    setBackupFolder: ({ folder, code }) => {
      if (folder !== null && code === null && world.health.backupFolder === null) throw appError("wrongCode");
      if (folder !== null && code !== null) checkCode(code);
      if (folder !== null && !folder.startsWith("/media/")) throw appError("folder");
      world.changeBackupTrouble(null);
      const started = folder === null ? null : world.now;
      return Object.assign(world.health, {
        backupFolder: folder,
        lastBackup: started,
        backupProblem: null,
        lastRehearsal: null,
      });
    },
    backupNow: () => {
      if (world.health.backupFolder === null) throw appError("folder");
      return Object.assign(world.health, { lastBackup: world.now, backupProblem: null });
    },
    rehearseBackup: () => Object.assign(world.health, { lastRehearsal: { time: world.now, problem: null } }),
    exportConversation: ({ conversation, format, folder }) => {
      const title = world.chat(conversation).title.replace(/[^\p{L}\p{N}]+/gu, "-");
      return `${folder}/${title}.${endings[format]}`;
    },
  } satisfies Partial<Handlers>;
}
