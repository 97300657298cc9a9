/** The list, the messages and the field to write in. */
export const chat = {
  "list.label": "Chats",
  "list.search": "Search",
  "list.clearSearch": "Clear the search",
  "list.newChat": "New chat",
  "list.settings": "Settings",
  "list.draft": "Draft: {text}",
  "list.you": "You: {text}",
  "list.unread": "{count, plural, one {# unread message} other {# unread messages}}",
  "list.noMessages": "No messages yet",
  "list.waiting": "Waiting for the other person",
  "list.empty.title": "No chats yet",
  "list.empty.text": "Invite someone, or open an invite that you received.",

  "search.chats": "Chats",
  "search.messages": "Messages",
  "search.none": "Nothing found for {query}.",
  "search.none.hint": "Try fewer letters or another word.",
  "search.running": "Searching",

  "chat.none": "Choose a chat, or start a new one.",
  "chat.notLoaded": "The messages of this chat could not be read.",
  "chat.waiting":
    "Not connected yet. You can write now; your messages go out when the other person is there.",
  "chat.held":
    "You made too many requests in a short time, so the relay takes no more of them until {time}. This one goes out by itself then.",
  "chat.encrypted": "End-to-end encrypted",
  "chat.empty.text":
    "Messages are end-to-end encrypted. The relay {relay} carries them and cannot read them.",
  "chat.back": "Back to the chats",
  "chat.menu": "More about this chat",
  "chat.header": "Chat with {name}",

  "composer.label": "Message to {name}",
  "composer.placeholder": "Write a message",
  "composer.send": "Send",

  "timeline.label": "Messages with {name}",
  "timeline.loading": "Loading older messages",
  "timeline.unread": "{count, plural, one {# new message} other {# new messages}}",
  "timeline.toEnd": "Go to the newest message",
  "timeline.toEndUnread":
    "{count, plural, one {Go to the newest message, # unread} other {Go to the newest message, # unread}}",

  "message.label": "{sender}, {text}, {time}",
  "message.labelState": "{sender}, {text}, {time}, {state}",
  "message.copy": "Copy the text",
  "message.menu": "Message",
  "message.more": "Show all",
  "message.less": "Show less",
  "message.unreadable":
    "This message could not be opened. It is kept as it came, and the other app is asked to send it again.",
  "message.unsupported": "This message needs a newer version of Relevo.",
  "message.missing": "Some messages may be missing here.",
  "message.missingCount":
    "{count, plural, one {# message is missing here.} other {# messages are missing here.}}",
  "message.accepted": "{name} accepted. You can write to each other now.",
  "message.acceptedByMe": "You accepted {name}. You can write to each other now.",
  "message.rejoined":
    "This computer was out of this chat for a while and is back. Messages from that time may be missing.",
  "message.reset": "This chat was set up anew to mend it. Everything written before is kept.",
  "message.devices": "The devices of {name} have changed. The safety number stays the same.",
  "message.splitView":
    "The relay told you and {name} different things about this chat. That must not happen. Compare the safety number before you write anything private.",
  "message.relayWentBack":
    "The relay was put back to an older state and lost what came after it. This computer has kept everything and sends its part again.",
  "message.startedRequest": "What is written here is end-to-end encrypted.",
  "message.started": "{name} is in your chats now. What you write here is end-to-end encrypted.",
  "message.announce": "{sender}: {text}",

  "state.queued": "Waiting to be sent",
  "state.sent": "Sent",
  "state.delivered": "Delivered",
  "state.read": "Read",
  "state.failed": "Not sent",

  "day.today": "Today",
  "day.yesterday": "Yesterday",
} as const;
