/** What keeps an account and its messages: the recovery code, the ways in, copies and backups. */
export const keeping = {
  "recovery.banner": "Write down your recovery code. It brings your account back if this computer is lost.",
  "recovery.show": "Write it down",
  "recovery.later": "Later",
  "recovery.title": "Your recovery code",
  "recovery.why":
    "The recovery code is 24 words on paper. With it you get your account back when this computer is lost or broken, and you can open your messages when you forget the passphrase. Nobody else has it: not the relay, not us. If it is lost together with all your computers, the account is lost too.",
  "recovery.why.care":
    "Whoever has the words can be you. Keep the paper where you keep your passport. Take no photo of it.",
  "recovery.why.once": "Take a pen and paper. The words are shown now and not again after you confirm them.",
  "recovery.reveal": "Show the words",
  "recovery.making": "Getting the words",
  "recovery.words": "Your 24 words",
  "recovery.qr": "Code with the 24 words",
  "recovery.written": "I have written them down",
  "recovery.check.text": "Two of the words, to be sure that the paper is right:",
  "recovery.word": "Word {position}",
  "recovery.again": "Show the words again",
  "recovery.confirm": "Confirm",
  "recovery.done":
    "Well done. The words are not on this computer any more. From now on only your paper has them.",
  "recovery.done.damaged":
    "Well done. The words left your messages and their copies. Only the damaged files that Relevo kept may still hold them, locked like your messages: Settings shows where they are and deletes them.",
  "recovery.finish": "Finish",
  "recovery.setting": "Recovery code",
  "recovery.setting.open": "Not written down yet.",
  "recovery.setting.confirmed": "You wrote it down and confirmed it. It is on your paper only.",

  "restore.title": "Restore your account",
  "restore.card": "Restore with the recovery code",
  "restore.card.hint": "You have the 24 words on paper. The other computer is removed from the account.",
  "restore.text":
    "You stay the same person for your contacts. Older messages come back only from a backup folder.",
  "restore.code": "Your 24 words",
  "restore.code.hint":
    "{count, plural, =0 {In their order, with spaces between them.} one {# word of 24} other {# words of 24}}",
  "restore.code.picture": "The code was read from its picture.",
  "restore.code.damaged":
    "The text of this code is not complete, or it belongs to something else. Use the whole picture, or type the 24 words.",
  "restore.relay": "Relay",
  "restore.relay.hint": "Its address, such as relay.example.org, or any link of it.",
  "restore.folder": "Backup folder, if you have one",
  "restore.folder.hint": "The folder that Relevo made copies into.",
  "restore.choose": "Choose…",
  "restore.name": "Your name, if you want to change it",
  "restore.name.hint": "Leave it empty to keep the name you had.",
  "restore.name.unknown":
    "Your former name is not in the recovery code. Write the name that others will see.",
  "restore.do": "Restore",
  "restore.sure":
    "Your account moves to this computer. The other computer, if it still works, is removed from the account: it keeps the messages it has, but it cannot send or receive any more, and what waits there to be sent is not sent.",
  "restore.sure.do": "Restore here",
  "restore.running": "Restoring. This can take a few minutes when there is a backup. Leave the window open.",

  "ways.title": "Open your messages",
  "ways.text": "Your messages on this computer are locked. Nothing was deleted.",
  "ways.passphrase": "With your passphrase",
  "ways.recovery": "With the recovery code",
  "ways.recovery.text": "The 24 words that you wrote down.",
  "ways.keyring": "With the password store of this computer",
  "ways.keyring.ok": "It answered before. Try it again.",
  "ways.keyring.missing":
    "The password store no longer has what opens your messages. Perhaps it was emptied or made anew. Use another way in; Relevo then puts it back.",
  "ways.keyring.locked":
    "The password store is locked. Unlock it as you do for other programs, often by signing in to the computer again, then try again.",
  "ways.keyring.failed":
    "The password store did not answer. Wait a moment and try again. If it stays so, restart the computer.",
  "ways.keyring.changed":
    "What the password store has does not open these messages. Perhaps the files came from another computer or from an older copy. Use another way in; Relevo then puts it right.",
  "ways.failed": "This way in does not work now. Try another one, or try again.",
  "ways.unprotected": "Without protection",
  "ways.unprotected.text": "What opens your messages is kept in a file of this computer and cannot be read.",
  "ways.none":
    "If none of these works: your files stay where they are. Write to the person who runs your relay before you delete anything.",

  "protect.text": "These open your messages on this computer. Any one of them is enough.",
  "protect.keyring": "Password store of this computer",
  "protect.keyring.hint": "Opens by itself when you have signed in to the computer.",
  "protect.passphrase": "Passphrase",
  "protect.passphrase.hint": "You type it when Relevo starts.",
  "protect.recovery": "Recovery code",
  "protect.recovery.hint": "The 24 words of your account.",
  "protect.unprotected": "Unprotected",
  "protect.unprotected.hint": "Anyone who can open the files of this computer can read your messages.",
  "protect.remove": "Remove",
  "protect.remove.label": "Remove: {way}",
  "protect.last":
    "The last way in cannot be removed: nothing could open your messages then. Add another first.",
  "protect.change": "Change the passphrase",
  "protect.add.passphrase": "Add a passphrase",
  "protect.add.keyring": "Use the password store",
  "protect.save": "Save the passphrase",
  "protect.saved": "The passphrase is saved.",

  "mended.title": "Your messages were damaged, and mended",
  "mended.salvaged":
    "The file with your messages was damaged. Relevo read everything that could still be read and wrote it into a new one.",
  "mended.copy":
    "The file with your messages was damaged and could not be read. Relevo went back to the copy of {time}. What came later is fetched from the relay as far as it still has it; the chats say where something is missing.",
  "mended.identityOnly":
    "The file with your messages was damaged and could not be read, and there was no copy. Your account is kept: you are the same person for your contacts. Earlier messages are not here any more.",
  "mended.kept":
    "{count, plural, =0 {No messages are kept.} one {# message is kept.} other {# messages are kept.}}",
  "mended.where": "The damaged files were not deleted. They are here:",
  "mended.todo":
    "Such damage often comes from a failing disk or from power that went away. Have the disk checked, and choose a backup folder on another disk in Settings.",
  "mended.todo.restore": "If you have a backup folder, your earlier messages are in it. Do not delete it.",
  "mended.understood": "I have read this",

  "health.unopened":
    "{count, plural, =0 {# messages could not be opened in 30 days} one {# message could not be opened in 30 days} other {# messages could not be opened in 30 days}}",
  "health.missing":
    "{count, plural, =0 {No messages are missing} one {# message is missing now} other {# messages are missing now}}",
  "health.copy": "Automatic copy on this computer: {time}",
  "health.copy.none": "No automatic copy yet",
  "health.loading": "Counting",
  "bringBack.title": "Bring back from a backup",
  "bringBack.text":
    "If messages are missing here, a backup folder of this account may have them. What is here stays as it is.",
  "bringBack.choose": "Bring back from a backup…",
  "bringBack.code": "Recovery code of this backup",
  "bringBack.code.hint": "The 24 words that it is locked with.",
  "bringBack.do": "Bring back",
  "bringBack.running": "Reading the backup. This can take a few minutes.",
  "bringBack.done":
    "{count, plural, =0 {Nothing is missing here: the backup of {time} has nothing that you do not have.} one {# message came back from the backup of {time}.} other {# messages came back from the backup of {time}.}}",
  "damaged.title": "Damaged files",
  "damaged.text":
    "What was damaged is kept here as it was found, locked like your messages. Files from before you wrote down the recovery code still hold it. Delete them when you miss nothing.",
  "damaged.discard": "Delete the damaged files…",
  "damaged.discard.sure": "Delete them for good",
  "backup.title": "Backup",
  "backup.text":
    "Once a day Relevo writes an encrypted backup into a folder. Choose one on another disk. Only your recovery code opens it.",
  "backup.folder": "Folder",
  "backup.none": "No backup folder",
  "backup.choose": "Choose a folder…",
  "backup.change": "Another folder…",
  "backup.stop": "Stop backing up",
  "backup.code": "Your recovery code, once",
  "backup.code.hint": "The backup is locked with it. Relevo does not keep the words.",
  "backup.start": "Start backing up",
  "backup.now": "Back up now",
  "backup.last": "Last backup: {time}",
  "backup.last.none": "No backup yet",
  "backup.problem": "The last backup failed: {problem}",
  "backup.test": "Last test restore: {time}, OK",
  "backup.test.none": "The backup was never tested",
  "backup.test.failed": "The test restore of {time} failed: {problem}",
  "backup.test.now": "Test now",
  "backup.test.hint": "Restores the backup beside your messages, compares, and throws the result away.",

  "export.menu": "Export the chat",
  "export.title": "Export the chat with {name}",
  "export.text": "The file is not encrypted. Anyone who can open it can read the chat.",
  "export.format": "Form",
  "export.html": "A page for the browser",
  "export.html.hint": "To read and to print.",
  "export.markdown": "Text",
  "export.markdown.hint": "Opens in any editor.",
  "export.json": "Data for programs",
  "export.json.hint": "With all times and states.",
  "export.folder": "Folder",
  "export.choose": "Choose…",
  "export.do": "Export",
  "export.running": "Writing the file",
  "export.done": "The chat was written to:",

  "when.never": "never",
  "when.today": "today at {time}",
  "when.yesterday": "yesterday at {time}",
} as const;
