/** Files that cannot be opened, and what is done about it. */
export const damage = {
  "broken.title": "Your messages cannot be opened",
  "broken.text":
    "Relevo could not open the place where it keeps your messages. Nothing was deleted. Check that the disk is not full and not read-only, then try again.",
  "broken.details": "Details",

  "failed.title": "Relevo stopped working",
  "failed.text":
    "A part of Relevo failed several times. Your messages are kept. Try again; if it stays so, restart the computer and look for an update.",

  "inUse.title": "Relevo is already open",
  "inUse.text": "Relevo is already open with these messages. Close the other window, then try again.",

  "newer.title": "These messages need a newer Relevo",
  "newer.text":
    "A newer version of Relevo was used here, and this one does not know how it keeps messages. Nothing was changed. Install the newest version and start it.",

  "lost.title": "Your messages cannot be opened",
  "lost.missing":
    "The file with your messages is not on this computer any more, and there is no automatic copy of it.",
  "lost.damaged":
    "The file with your messages is damaged. Nothing in it can be read, and there is no automatic copy of it.",
  "lost.ways":
    "What opens your messages on this computer is missing or damaged, so they cannot be read. Your account is not lost if you have the recovery code.",
  "lost.account": "Your account is not lost.",
  "lost.noKeys": "Nothing of your account can be read here. It comes back with the recovery code.",
  "lost.nothingDone":
    "Nothing was deleted or changed. If a disk was not connected, or you moved the files yourself, put them back and try again.",
  "lost.backup": "Restore from a backup",
  "lost.backup.hint": "You have a backup folder and the 24 words.",
  "lost.backup.text":
    "Your messages come back as they were when the backup was written. What you wrote or received later is asked for again, as far as others still have it.",
  "lost.backup.do": "Restore",
  "lost.backup.running": "Restoring. This can take a few minutes. Leave the window open.",
  "lost.without": "Go on without the earlier messages",
  "lost.without.hint": "You stay the same person, and your chats come back empty.",
  "lost.without.text":
    "To your contacts you stay the same person. Your chats come back from the relay without the earlier messages. The damaged files are kept, but a backup cannot be put in later.",
  "lost.without.do": "Go on without them",
  "lost.code": "Restore with the recovery code",
  "lost.code.hint": "You have the 24 words on paper, and perhaps a backup folder.",
  "lost.code.text":
    "The files that cannot be opened are moved to a folder beside, and nothing of them is deleted. Then you restore your account with the 24 words.",
  "lost.code.do": "Move them and restore",
  "lost.opening": "Opening your account",

  "damaged.banner":
    "The file with your messages is damaged. Nothing more is written to it, so that nothing gets worse. A restart mends what can be mended.",
  "damaged.restart": "Restart and mend",
  "damaged.restarting": "Relevo is restarting",

  "mended.title": "Your messages were damaged, and mended",
  "mended.salvaged":
    "The file with your messages was damaged. Relevo read everything that could still be read, and wrote it into a new one.",
  "mended.salvagedAndCopy":
    "The file with your messages was damaged. Relevo read everything that could still be read, took the rest from the copy of {time}, and wrote it into a new file.",
  "mended.copy":
    "The file with your messages was damaged and could not be read. Relevo went back to the copy of {time}. What came later is asked for again at the relay, if it still has it; the chats say where something is missing.",
  "mended.backup":
    "The file with your messages could not be read. They were restored from your backup of {time}. What came later is asked for again, if others still have it; the chats say where something is missing.",
  "mended.identityOnly":
    "The file with your messages was gone or could not be read, and there was no copy. Your account is kept: to your contacts you are the same person. The earlier messages are not here any more.",
  "mended.kept":
    "{count, plural, =0 {No messages are kept.} one {# message is kept.} other {# messages are kept.}}",
  "mended.missing":
    "{count, plural, =0 {Nothing is missing.} one {At most # message is missing.} other {At most # messages are missing.}}",
  "mended.missing.unknown": "How many messages are missing cannot be known.",
  "mended.chats": "{count, plural, =0 {No chat is here.} one {# chat is here.} other {# chats are here.}}",
  "mended.since": "Messages from {time} on may be missing.",
  "mended.where": "The damaged files were not deleted. They are here:",
  "mended.todo":
    "Such damage often comes from a failing disk or from power that went away. Have the disk checked, and choose a backup folder on another disk in Settings.",
  "mended.understood": "I have read this",

  "folder.open": "Open the folder",
} as const;
