/**
 * Every error code with its severity, its words and what a person can do.
 * Nothing else in the window decides how an error is worded.
 */
import type { ErrorCode, OfflineCause } from "./ipc/bindings.ts";
import type { MessageKey } from "./i18n/en.ts";

export type ErrorAction = "retry" | "editInput" | "reconnect" | "none";

export type ErrorWords = {
  /** `notice`: the person can go on; `problem`: this step failed; `serious`: messages cannot be read or kept. */
  severity: "notice" | "problem" | "serious";
  text: MessageKey;
  action: ErrorAction;
};

const words: Record<ErrorCode, ErrorWords> = {
  badLink: { severity: "problem", text: "error.badLink", action: "editInput" },
  linkExpired: { severity: "problem", text: "error.linkExpired", action: "editInput" },
  wrongRelay: { severity: "problem", text: "error.wrongRelay", action: "editInput" },
  ownLink: { severity: "notice", text: "error.ownLink", action: "editInput" },
  offline: { severity: "problem", text: "error.offline", action: "retry" },
  relayUnreachable: { severity: "problem", text: "error.relayUnreachable", action: "retry" },
  relayIdentity: { severity: "serious", text: "error.relayIdentity", action: "none" },
  version: { severity: "serious", text: "error.version", action: "none" },
  nameInvalid: { severity: "problem", text: "error.nameInvalid", action: "editInput" },
  textInvalid: { severity: "problem", text: "error.textInvalid", action: "editInput" },
  otherProtection: { severity: "problem", text: "error.otherProtection", action: "editInput" },
  wrongPassphrase: { severity: "problem", text: "error.wrongPassphrase", action: "editInput" },
  passphraseTooShort: { severity: "problem", text: "error.passphraseTooShort", action: "editInput" },
  keyring: { severity: "serious", text: "error.keyring", action: "retry" },
  database: { severity: "serious", text: "error.database", action: "retry" },
  damaged: { severity: "serious", text: "error.damaged", action: "none" },
  newer: { severity: "serious", text: "error.newer", action: "none" },
  diskFull: { severity: "serious", text: "error.diskFull", action: "retry" },
  notFound: { severity: "problem", text: "error.notFound", action: "none" },
  refused: { severity: "problem", text: "error.refused", action: "none" },
  busy: { severity: "notice", text: "error.busy", action: "retry" },
  wrongCode: { severity: "problem", text: "error.wrongCode", action: "editInput" },
  wrongWord: { severity: "problem", text: "error.wrongWord", action: "editInput" },
  handleTaken: { severity: "problem", text: "error.handleTaken", action: "editInput" },
  handleInvalid: { severity: "problem", text: "error.handleInvalid", action: "editInput" },
  noQr: { severity: "problem", text: "error.noQr", action: "editInput" },
  requestLimit: { severity: "notice", text: "error.requestLimit", action: "none" },
  lastSlot: { severity: "notice", text: "error.lastSlot", action: "none" },
  folder: { severity: "problem", text: "error.folder", action: "editInput" },
  otherAccount: { severity: "problem", text: "error.otherAccount", action: "editInput" },
  noRecoveryRecord: { severity: "problem", text: "error.noRecoveryRecord", action: "editInput" },
  noBackup: { severity: "problem", text: "error.noBackup", action: "editInput" },
  backupDamaged: { severity: "problem", text: "error.backupDamaged", action: "editInput" },
  backupOfOther: { severity: "problem", text: "error.backupOfOther", action: "editInput" },
  noFileManager: { severity: "notice", text: "error.noFileManager", action: "none" },
  internal: { severity: "problem", text: "error.internal", action: "retry" },
};

/** A newer program may know codes that this window does not; those are `internal`. */
export function wordsFor(code: ErrorCode): ErrorWords {
  return Object.hasOwn(words, code) ? words[code] : words.internal;
}

const causes: Record<OfflineCause, MessageKey> = {
  relayUnreachable: "cause.relayUnreachable",
  relayIdentity: "cause.relayIdentity",
  version: "cause.version",
  replaced: "cause.replaced",
  revoked: "cause.revoked",
  signedOut: "cause.signedOut",
  relayBusy: "cause.relayBusy",
  relayRestarting: "cause.relayRestarting",
  diskFull: "cause.diskFull",
};

export function causeText(cause: OfflineCause): MessageKey {
  return causes[cause];
}

/** The page that is shown when the account's files cannot be opened. */
export function brokenPage(code: ErrorCode): { title: MessageKey; text: MessageKey } {
  if (code === "busy") return { title: "inUse.title", text: "inUse.text" };
  if (code === "internal") return { title: "failed.title", text: "failed.text" };
  if (code === "newer") return { title: "newer.title", text: "newer.text" };
  return { title: "broken.title", text: "broken.text" };
}
