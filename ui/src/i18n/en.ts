/** English, the language that the others are checked against. Short sentences, plain verbs. */
export const en = {
  "action.back": "Back",
  "action.cancel": "Cancel",
  "action.close": "Close",
  "action.continue": "Continue",
  "action.copied": "Copied",
  "action.copy": "Copy",
  "action.delete": "Delete",
  "action.paste": "Paste",
  "action.retry": "Try again",

  "app.loading": "Opening your messages…",
  "app.name": "Relevo",

  "start.sentence": "Private messages through a relay that you, or someone you trust, runs.",
  "start.haveInvite": "I have an invite",
  "start.haveInvite.hint": "Open the link that someone sent you and start writing.",
  "start.addDevice": "Add this device or restore",
  "start.addDevice.hint": "You already use Relevo on another computer.",
  "start.runRelay": "I want to run a relay",
  "start.runRelay.hint": "For your family, your group or your company.",

  "addDevice.title": "Add this device or restore",
  "addDevice.text":
    "This version cannot add a second device or restore an account yet. Your account on the other computer is safe and keeps working.",
  "addDevice.instead":
    "Until then you can ask a contact, or the person who runs your relay, for a new invite. It gives this computer an account of its own. Your contacts will see it as a new person, and old messages stay on the other computer.",

  "runRelay.title": "Run a relay",
  "runRelay.text":
    "A relay is a small program that carries the messages. It cannot read them. It runs on a home server, on a rented machine, or on this computer to try it out.",
  "runRelay.step1": "Prepare it. This makes its settings and prints your first invite.",
  "runRelay.step2": "Start it, and leave it running.",
  "runRelay.step3": "Come back here with the invite that it printed.",

  "invite.title": "Open your invite",
  "invite.label": "Invite link",
  "invite.hint": "Links start with https:// or relevo:",
  "invite.pasteBlocked": "Press {shortcut} to paste the link here.",
  "invite.summary.relay": "You will get an account on the relay {relay}.",
  "invite.summary.issuer":
    "The invite is from {issuer}. Ask the person who sent it whether these eight characters are theirs.",
  "invite.summary.noIssuer": "The invite is from the relay itself. You can add people afterwards.",
  "invite.summary.contact":
    "This link adds a contact. To get an account first, ask that person for an invite.",

  "name.title": "What is your name?",
  "name.text": "The people you write to see it. The relay does not.",
  "name.label": "Your name",
  "name.create": "Start writing",
  "name.creating": "Getting your account from the relay. This can take a few seconds.",
  "protection.title": "How should this computer protect your messages?",
  "protection.text": "The password store of this computer cannot be used, so Relevo needs to know.",
  "protection.passphrase": "With a passphrase",
  "protection.passphrase.hint":
    "You type it each time Relevo starts. If you forget it, the messages on this computer cannot be read again.",
  "protection.unprotected": "Unprotected on this computer",
  "protection.unprotected.hint":
    "Nothing to type. Anyone who can open the files of this computer can read your messages.",
  "passphrase.label": "Passphrase",
  "passphrase.repeat": "The same passphrase again",
  "passphrase.tooShort": "Use at least {min, plural, one {# character} other {# characters}}.",
  "passphrase.different": "The two passphrases are not the same.",

  "locked.title": "Welcome back",
  "locked.text": "Your messages on this computer are locked with your passphrase.",
  "locked.unlock": "Unlock",
  "keyringFailed.title": "The password store did not answer",
  "keyringFailed.text":
    "Your messages are on this computer and safe, but the password store of this computer did not give Relevo what opens them. Unlock the password store, then try again. Nothing was deleted.",
  "broken.title": "Your messages cannot be opened",
  "broken.text":
    "Relevo could not open the place where it keeps your messages. Nothing was deleted. Check that the disk is not full and not read-only, then try again.",
  "inUse.title": "Relevo is already open",
  "inUse.text": "Relevo is already open with these messages. Close the other window, then try again.",
  "broken.details": "Details",

  "keys.paste": "Ctrl+V",

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

  "newChat.title": "New chat",
  "newChat.invite": "Invite someone",
  "newChat.invite.hint": "Show a code or send a link.",
  "newChat.open": "Open an invite",
  "newChat.open.hint": "Use a link that you received.",

  "share.title": "Invite someone",
  "share.text": "Let the other person scan the code or open the link. You can then write to each other.",
  "share.qr": "Code with the invite link",
  "share.url": "Invite link",
  "share.copy": "Copy the link",
  "share.expires": "The link works until {date}, {uses, plural, one {for one person} other {for # people}}.",
  "share.making": "Making a link",

  "openLink.title": "Open an invite",
  "openLink.relay": "This adds a person from the relay {relay} to your chats.",
  "openLink.issuer":
    "The link is from {issuer}. Ask the person who sent it whether these eight characters are theirs.",
  "openLink.otherRelay":
    "This person uses another relay ({relay}). This version can write only to people on your relay.",
  "openLink.noPerson":
    "This invite makes a new account, and you already have one. It adds nobody to your chats.",
  "openLink.known": "This person is already in your chats.",
  "openLink.add": "Add to my chats",
  "openLink.show": "Show the chat",

  "contact.new": "New contact · {short}",
  "contact.you": "You",

  "chat.none": "Choose a chat, or start a new one.",
  "chat.waiting":
    "Not connected yet. You can write now; your messages go out when the other person is there.",
  "chat.encrypted": "End-to-end encrypted",
  "chat.empty.text":
    "Messages are end-to-end encrypted. The relay {relay} carries them and cannot read them.",
  "chat.back": "Back to the chats",
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
  "message.unreadable": "This message cannot be opened yet. It is kept, and Relevo tries again.",
  "message.unsupported": "This message needs a newer version of Relevo.",
  "message.missing":
    "Some messages did not reach this computer: it was away for longer than the relay keeps them.",
  "message.started": "{name} is in your chats now. What you write here is end-to-end encrypted.",
  "message.announce": "{sender}: {text}",
  "state.queued": "Waiting to be sent",
  "state.sent": "Sent",
  "state.delivered": "Delivered",
  "state.failed": "Not sent",

  "connection.connecting": "Connecting…",
  "connection.offline":
    "{waiting, plural, =0 {Offline – what you write is sent when you are back.} one {Offline – messages will be sent when you are back (# waiting).} other {Offline – messages will be sent when you are back (# waiting).}}",
  "connection.stopped":
    "{waiting, plural, =0 {Not connected.} one {Not connected (# message waiting).} other {Not connected (# messages waiting).}}",
  "cause.relayUnreachable": "The relay does not answer.",
  "cause.relayIdentity":
    "The relay cannot prove that it is yours, so nothing is sent to it. Ask the person who runs it.",
  "cause.version": "The relay speaks another version. Update Relevo, or ask the person who runs the relay.",
  "cause.replaced": "This account was opened in another place.",
  "cause.revoked": "This device was removed from the account. Your messages stay on this computer.",
  "cause.signedOut": "The relay does not know this account any more.",
  "cause.relayBusy": "The relay has too much to do.",

  "settings.title": "Settings",
  "settings.theme": "Appearance",
  "settings.theme.system": "Like the system",
  "settings.theme.light": "Light",
  "settings.theme.dark": "Dark",
  "settings.language": "Language",
  "settings.language.system": "Like the system",
  "settings.zoom": "Size",
  "settings.zoomIn": "Larger",
  "settings.zoomOut": "Smaller",
  "settings.account": "Account",
  "settings.account.text": "{name} on the relay {relay}",
  "settings.shortcuts": "Keyboard shortcuts",

  "shortcuts.title": "Keyboard shortcuts",
  "shortcuts.search": "Search and switch chats",
  "shortcuts.newChat": "New chat",
  "shortcuts.step": "Previous and next chat",
  "shortcuts.cycle": "Next chat",
  "shortcuts.unread": "Previous and next unread chat",
  "shortcuts.position": "Chat by position",
  "shortcuts.send": "Send",
  "shortcuts.newline": "New line",
  "shortcuts.toEnd": "Newest message",
  "shortcuts.region": "Next part of the window",
  "shortcuts.zoom": "Larger, smaller, normal size",
  "shortcuts.settings": "Settings",
  "shortcuts.help": "This list",
  "shortcuts.leave": "Close, go back",

  "day.today": "Today",
  "day.yesterday": "Yesterday",

  "error.badLink": "This is not a complete Relevo link. Copy all of it and paste it again.",
  "error.linkExpired": "This link was used up or is too old. Ask for a new one.",
  "error.wrongRelay": "This link belongs to another relay. Ask for a link to yours.",
  "error.ownLink": "This link is your own. Send it to the person you want to write to.",
  "error.offline": "You are offline. Nothing is lost. Try again when you are connected.",
  "error.relayUnreachable": "The relay does not answer. Nothing is lost. Check your network and try again.",
  "error.relayIdentity":
    "The relay could not prove that it is the one in your invite, so nothing was sent to it. Ask the person who runs it for a new invite.",
  "error.version":
    "The relay speaks another version of Relevo. Update Relevo, or ask the person who runs the relay.",
  "error.nameInvalid": "This name cannot be used. Write between 1 and 64 characters.",
  "error.textInvalid":
    "This message is empty or too long. It was not sent. If it is long, divide it into several.",
  "error.wrongPassphrase": "This is not the passphrase. Check capital letters and try again.",
  "error.passphraseTooShort": "This passphrase is too short. Use at least 8 characters.",
  "error.keyring":
    "The password store of this computer did not answer. Nothing was deleted. Unlock it and try again.",
  "error.database": "Relevo could not write to its files. Your earlier messages are kept. Try again.",
  "error.diskFull": "The disk is full. Nothing was deleted. Free some space and try again.",
  "error.notFound": "This is not here any more.",
  "error.refused": "The relay did not allow this. Ask the person who runs it.",
  "error.busy": "The relay has too much to do right now. Wait a moment and try again.",
  "error.internal": "Something in Relevo went wrong. Your messages are kept. Try again.",
} as const satisfies Record<string, string>;

export type MessageKey = keyof typeof en;
