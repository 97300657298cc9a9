/** Buttons, the connection, and what an error means. */
export const trouble = {
  "action.back": "Back",
  "action.cancel": "Cancel",
  "action.close": "Close",
  "action.continue": "Continue",
  "action.copied": "Copied",
  "action.copy": "Copy",
  "action.delete": "Delete",
  "action.paste": "Paste",
  "action.retry": "Try again",

  "connection.connecting": "Connecting…",
  "connection.offline":
    "{waiting, plural, =0 {Offline – what you write is sent when you are back.} one {Offline – messages will be sent when you are back (# waiting).} other {Offline – messages will be sent when you are back (# waiting).}}",
  "connection.stopped":
    "{waiting, plural, =0 {Not connected.} one {Not connected (# message waiting).} other {Not connected (# messages waiting).}}",

  "connection.removed":
    "{waiting, plural, =0 {Not connected.} one {Not connected (# message was not sent).} other {Not connected (# messages were not sent).}}",

  "cause.relayUnreachable": "The relay does not answer.",
  "cause.relayIdentity":
    "The relay cannot prove that it is yours, so nothing is sent to it. Ask the person who runs it.",
  "cause.version": "The relay speaks another version. Update Relevo, or ask the person who runs the relay.",
  "cause.replaced": "This account was opened in another place.",
  "cause.revoked":
    "This device was removed from the account: write where you restored it. Your messages stay on this computer.",
  "cause.signedOut": "The relay does not know this account any more.",
  "cause.relayBusy": "The relay has too much to do.",
  "cause.relayRestarting": "The relay is restarting. What you write is kept and sent then.",
  "cause.diskFull":
    "The disk of this computer is full, so nothing that arrives could be kept. Nothing is lost: free some space.",

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
  "error.otherProtection":
    "An earlier attempt with the same link or words was protected with another passphrase, or in another way. Choose what you chose then, or ask for a new link.",
  "error.wrongPassphrase": "This is not the passphrase. Check capital letters and try again.",
  "error.passphraseTooShort": "This passphrase is too short. Use at least 8 characters.",
  "error.keyring":
    "The password store of this computer did not answer. Nothing was deleted. Unlock it and try again.",
  "error.database": "Relevo could not write to its files. Your earlier messages are kept. Try again.",
  "error.damaged":
    "The file with your messages is damaged, so nothing is written to it any more. Restart Relevo to mend it.",
  "error.newer": "A newer version of Relevo wrote this. Install the newest version and try again.",
  "error.diskFull": "The disk is full. Nothing was deleted. Free some space and try again.",
  "error.notFound": "This is not here any more.",
  "error.refused": "The relay did not allow this. Ask the person who runs it.",
  "error.busy": "The relay has too much to do right now. Wait a moment and try again.",
  "error.wrongCode":
    "These words do not fit together. One of them is misspelt, missing or in another place. Compare them with your paper.",
  "error.wrongWord": "This is not the right word. Look at your paper, or show the words again.",
  "error.handleTaken": "Somebody on your relay has this short name already. Choose another.",
  "error.handleInvalid": "Use 2 to 32 small letters, digits, dots, dashes or low lines.",
  "error.noQr":
    "There is no readable code in this picture. Take one that shows the whole code, sharp and not too small. It may be turned.",
  "error.requestLimit": "This person has to accept before you can write more.",
  "error.lastSlot": "This is the last way into your messages, so it stays. Add another one first.",
  "error.folder":
    "Relevo cannot use this folder. Check that the disk is connected and that you may write there, or choose another.",
  "error.noBackup":
    "There is no Relevo backup in this folder, or its disk is not connected. Look for the right folder.",
  "error.backupDamaged":
    "The backup in this folder is incomplete or damaged. If you copied it here, copy it again; else start a new one in an empty folder.",
  "error.backupOfOther":
    "Another device keeps its backup in this folder. Choose a folder of its own for this computer.",
  "error.noFileManager": "This computer did not open the folder. Copy its place and open it yourself.",
  "error.noRecoveryRecord":
    "The words are right, but this relay knows no account of them. Check the address of the relay.",
  "error.otherAccount": "This backup is of another account. Nothing was changed.",
  "error.internal": "Something in Relevo went wrong. Your messages are kept. Try again.",
} as const;
