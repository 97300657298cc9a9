/** From the first screen to the open messages. */
export const start = {
  "app.loading": "Opening your messages…",
  "app.name": "Relevo",

  "start.sentence": "Private messages through a relay that you, or someone you trust, runs.",
  "start.haveInvite": "I have an invite",
  "start.haveInvite.hint": "Open the link that someone sent you and start writing.",
  "start.addDevice": "Add this device or restore",
  "start.addDevice.hint": "You used Relevo on another computer, or have a recovery code.",
  "start.runRelay": "I want to run a relay",
  "start.runRelay.hint": "For your family, your group or your company.",

  "addDevice.title": "Add this device or restore",
  "addDevice.text":
    "In this version an account is on one computer at a time. When you restore it here, the other computer is removed from the account: it keeps the messages it has, but it cannot send or receive any more.",
  "addDevice.instead":
    "To use both computers, ask a contact, or the person who runs your relay, for a new invite. It gives this computer an account of its own. Your contacts will see it as a new person, and old messages stay on the other computer.",

  "runRelay.title": "Run a relay",
  "runRelay.text":
    "A relay is a small program that carries the messages. It cannot read them. It runs on a rented machine, on a home server, or on any computer that stays on.",
  "runRelay.step1": "Prepare it. This makes its settings and prints your first invite.",
  "runRelay.named": "On a machine that has a name on the internet. Put your name in place of the example:",
  "runRelay.network":
    "In your home or office, without a name. Put the address of the machine in your network in place of 192.168.1.20:",
  "runRelay.step2": "Start it, and leave it running.",
  "runRelay.step3": "Come back here with the invite that it printed.",

  "invite.title": "Open your invite",
  "invite.label": "Invite link",
  "invite.hint": "Links start with https:// or relevo:",
  "invite.pasteBlocked": "Press {shortcut} to paste the link here.",
  "invite.replaced":
    "You opened this link while an account was being made with another one. That did not work, so this link counts now.",
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
    "You type it each time Relevo starts. If you forget it, only the recovery code opens the messages on this computer, and only once you have confirmed it.",
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
} as const;
