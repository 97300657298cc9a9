/** Starting to write: invites, cards, short names. */
export const people = {
  "newChat.title": "New chat",
  "newChat.invite": "Invite someone",
  "newChat.invite.hint": "Show a code or send a link.",
  "newChat.open": "Open a link or a code",
  "newChat.open.hint": "Use an invite or a card that you received.",

  "share.title": "Invite someone",
  "share.text":
    "Let the other person open the link, or use a picture of the code. You can then write to each other.",
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
  "openLink.unused":
    "An earlier attempt had made an account for you after all, on the relay {relay}. That account is open now, and no other was made with the link below.",
  "openLink.known": "This person is already in your chats.",
  "openLink.add": "Add to my chats",
  "openLink.show": "Show the chat",

  "contact.new": "New contact · {short}",
  "account.letters": "Letters of the account: {letters}",
  "contact.you": "You",

  "newChat.handle": "Find by short name",
  "newChat.handle.hint": "Someone on your relay told you theirs.",
  "share.tabs": "What to share",
  "share.invite": "Invite",
  "share.card": "My card",
  "share.card.text":
    "For someone who already uses your relay. Whoever opens it can write to you; you do not have to accept first.",
  "share.card.qr": "Code with your card",
  "share.card.url": "Link to write to you",
  "share.links": "My links",
  "links.title": "My links",
  "links.text": "These still work. End a link that fell into the wrong hands.",
  "links.none": "No link of yours works now.",
  "links.invite": "Invite",
  "links.contact": "My card",
  "links.until":
    "Until {date}, {uses, plural, =0 {used by nobody more} one {for one more person} other {for # more people}}",
  "links.end": "End",
  "links.end.label": "End: {kind}, {date}",

  "picture.choose": "Picture of a code…",
  "picture.drop":
    "A photo or a screenshot of it: choose it, drop it or paste it here. Relevo uses no camera.",
  "picture.reading": "Reading the picture",
  "picture.unreadable": "This file is not a picture that can be opened, or it is too large.",

  "name.save": "Save",
  "name.saved": "Saved. Your contacts see you as {name} as soon as they are connected.",

  "handle.title": "Find by short name",
  "handle.text": "People choose a short name so that others on their relay can find them.",
  "handle.label": "Short name",
  "handle.hint": "Small letters, digits, dots, dashes and low lines.",
  "handle.open": "Write to this person",
  "handle.accept": "This person has to accept before you can write more than a few messages.",
  "handle.notFound": "Nobody on your relay can be found by this short name. Check how it is written.",
  "handle.setting": "Your short name",
  "handle.setting.text":
    "People on your relay who know it can ask to write to you. Without it nobody finds you by a name.",
  "handle.save": "Save",
  "handle.saved": "Saved. Others can find you as {name}.",
  "handle.remove": "Give it up",
  "handle.removed": "You have no short name any more.",
} as const;
