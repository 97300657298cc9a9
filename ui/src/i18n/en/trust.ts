/** Who may write, who is there, and whether it is really them. */
export const trust = {
  "request.mark": "Wants to write",
  "request.title": "{name} would like to write to you",
  "request.letters":
    "Letters of the account: {letters}. Ask the person by another way whether they are theirs.",
  "request.text":
    "You can read what was written. Until you accept, nobody learns that you read it or that you are here.",
  "request.label": "Accept, delete or block",
  "request.accept": "Accept",
  "request.decline": "Delete",
  "request.block": "Block",
  "decline.title": "Delete the request of {name}?",
  "decline.text":
    "The request and its messages are deleted. This person cannot ask to write to you again for 30 days.",
  "looksLike.text":
    "This name looks like {other}, who is already in your chats. It can be somebody else who wants to be taken for that person.",

  "asked.left":
    "{count, plural, =0 {{name} has to accept before you can write more.} one {You can write # more message before {name} accepts.} other {You can write # more messages before {name} accepts.}}",
  "asked.full": "Wait until {name} accepts",

  "removed.mark": "Removed from the account",
  "removed.text":
    "This computer was removed from your account: it neither sends nor receives any more. Your messages stay here and can be exported. To write from this computer again, start Relevo with an empty folder (relevo --profile FOLDER) and restore there with your 24 words.",

  "blocked.mark": "Blocked",
  "blocked.text": "You blocked {name}. Messages from this account do not reach you.",
  "blocked.unblock": "Unblock",
  "block.menu": "Block",
  "block.title": "Block {name}?",
  "block.text":
    "Messages from this account will not reach you any more, and it will not see whether you are online. Nobody is told. You can end this in the settings.",
  "block.request": "The request and its messages are deleted.",
  "block.confirm": "Block",
  "blockList.title": "Blocked people",
  "blockList.text": "They cannot write to you and do not see whether you are online.",
  "blockList.none": "You have blocked nobody.",

  "presence.online": "Online",
  "presence.offline": "Offline",
  "presence.unknown": "Not known while you are offline",
  "presence.today": "Last seen today",
  "presence.yesterday": "Last seen yesterday",
  "presence.week": "Last seen this week",
  "presence.month": "Last seen this month",
  "presence.long": "Last seen a long time ago",
  "typing.now": "Writing…",
  "typing.announce": "{name} is writing",

  "details.menu": "Details",
  "details.title": "Message details",
  "details.written": "Written",
  "details.sent": "Sent",
  "details.sent.hint": "the relay has it",
  "details.delivered": "Delivered",
  "details.delivered.hint": "a device of {name} has it",
  "details.read": "Read",
  "details.read.hint": "{name} had it on the screen",
  "details.notYet": "Not yet",
  "details.notKnown": "Not known",
  "details.readOff": "Not shown when one of you does not tell what was read.",
  "details.from": "From",

  "safety.menu": "Safety number",
  "safety.title": "Safety number",
  "safety.compare": "Compare the safety number",
  "safety.text":
    "{name} sees the same number in this place if nobody stands between you. Compare it when you meet, or on the phone.",
  "safety.verified": "You compared the number with {name}. It was the same.",
  "safety.mark": "Safety number compared",
  "safety.number": "Safety number of you and {name}",
  "safety.qr": "Code with the safety number",
  "safety.copy": "Copy the number",
  "safety.making": "Working out the number",
  "safety.check.title": "Compare",
  "safety.check.label": "The number that {name} sees",
  "safety.check.hint": "Paste the number, or use a picture of the code.",
  "safety.check": "Compare",
  "safety.byEye": "I compared all of it: it is the same",
  "safety.unmark": "Remove the mark",
  "safety.same": "The numbers are the same. Only you and {name} can read what you write.",
  "safety.unreadable":
    "This is not a complete safety number. It has sixty digits. Copy all of it and paste it again.",
  "safety.different.title": "The numbers are different",
  "safety.different":
    "Somebody else may be reading along, or you compared with another person's number. Do not write anything private here for now. Ask {name} in person or on the phone to open this page too, and compare again. If the numbers stay different, tell the person who runs your relay.",

  "privacy.text": "Each of these works both ways: what you do not show, you do not see of others.",
  "privacy.read": "Tell what I have read",
  "privacy.read.hint": "Others see when you read their messages, and you see when they read yours.",
  "privacy.typing": "Tell that I am writing",
  "privacy.typing.hint": "Others see that you are writing, and you see when they are.",
  "privacy.announce": "Show when I am online",
  "privacy.announce.hint":
    "People you accepted see whether you are online and when you were last here, and you see it of them.",
} as const;
