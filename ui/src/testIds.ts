/**
 * Hooks for end-to-end tests: stable `data-testid` values.
 *
 * | id | on |
 * |---|---|
 * | first-run-invite, first-run-add-device, first-run-relay | the three choices of the first screen |
 * | invite-link-input | field for a link, on the invite page and in the open-link dialog |
 * | invite-summary | what the link will do; appears when the link can be read |
 * | invite-continue | button that goes on with the link, in both places |
 * | name-input, create-account | name page |
 * | protection-passphrase, protection-unprotected | radio inputs; only where the keyring cannot be used |
 * | passphrase-input, passphrase-repeat | fields of the passphrase |
 * | unlock-input, unlock-button | locked page |
 * | stopped-retry | retry of the keyring page and of the broken page |
 * | conversation-item | row of the list; `data-key` is the ConversationKey |
 * | search-input, search-hit | search over the list |
 * | new-chat, settings-open | buttons beside the search |
 * | invite-someone, open-link | in the empty list and in the new-chat dialog |
 * | invite-url | read-only field with the own link |
 * | conversation-title | name in the header of the open chat |
 * | not-loaded | in place of the messages of a chat that could not be read |
 * | composer-input, composer-send | composer |
 * | message | `data-id`, `data-mine` (true, false), `data-kind` (text, system, unreadable, unsupported), `data-state` (pending, queued, sent, delivered, read, failed, received) |
 * | message-text | the words inside of a message |
 * | unread-divider, jump-to-end | timeline |
 * | banner | connection banner; `data-phase` (connecting, offline, stopped); absent while all is well |
 * | theme-select, language-select | settings; values system, light, dark and system, en, es |
 * | asked-line, looks-like | above the composer; what a request still allows, and a name that looks alike |
 * | request-bar | in place of the composer, with request-accept, request-decline, request-block |
 * | request-accept, request-decline, request-block | what to do with a request |
 * | link-replaced, link-unused | why another link than the first one counts, or no other |
 * | block-confirm | the dialog that asks before blocking |
 * | blocked-bar, unblock | in place of the composer of somebody who is blocked |
 * | blocked-account | row of the blocked people in the settings |
 * | standing-mark, verified, presence-dot | marks in the list; the dot also in the header |
 * | own-status, status-choice, status-until, status-text, status-text-until, status-save | the own status: button beside the search, and its dialog |
 * | status-said | header: what the other says of itself |
 * | conversation-status, verified-open, conversation-menu | header: the line under the name, the mark, the menu (items by their names) |
 * | message-details | times of a message |
 * | empty-safety | button of an empty chat |
 * | safety-groups, safety-input, safety-compare, safety-result | safety number; the result appears after a comparison |
 * | safety-verified, safety-by-eye, safety-unmark | the mark, and its buttons |
 * | picture-choose, picture-file | button and file input, wherever a code can be read from a picture |
 * | qr-picture | the drawn code |
 * | open-handle, handle-input, handle-open | finding somebody by a short name |
 * | own-name, name-save, name-outcome | the own name in the settings |
 * | own-handle, handle-save, handle-remove, handle-outcome | the own short name in the settings |
 * | card-open, links-open, my-links, issued-link | own card and links, in the settings and in the share dialog |
 * | privacy-switch | three switches: read, typing, online |
 * | way-in | row of the ways in, `data-kind` (keyring, passphrase, recovery, unprotected); last-way says why the last stays |
 * | last-way | said where only one way in is left |
 * | passphrase-write, passphrase-save, passphrase-saved, keyring-add | changing the ways in |
 * | code-way-add, code-way-save, code-way-saved | the recovery code as a way in again |
 * | recovery-banner, recovery-show, recovery-later | the reminder over the window |
 * | recovery-open | the same from the settings |
 * | recovery-reveal, recovery-words, recovery-written, recovery-confirm, recovery-done, recovery-finish | the dialog, step by step; the two fields are recovery-word-1 and recovery-word-2 |
 * | code-input | field for the 24 words: restore, locked page, backup |
 * | restore-open, restore-relay, restore-do, restore-warning, restore-sure | restore page |
 * | folder-input, folder-choose | a folder, on the restore page and in the export |
 * | folder-open | shows a folder in the file manager: backup, export, damaged files |
 * | keyring-trouble, way-recovery, unlock-with-code | locked page with several ways in |
 * | lost-reason | why nothing opens the messages |
 * | lost-backup, lost-without, lost-code | what the person can choose then |
 * | lost-restore, lost-confirm | the buttons that do it |
 * | damaged-banner, damaged-restart | damage that was found at work |
 * | mended, mended-kept, mended-understood | told once after damage |
 * | health-facts, backup-last, backup-test, backup-aside | counted facts in the settings |
 * | bring-back, bring-back-choose, bring-back-do, bring-back-done | what a backup has and this computer lost |
 * | damaged, damaged-ask, damaged-discard | folders with damaged files, and the two steps to delete them |
 * | backup-problem | why the last backup failed |
 * | backup-banner, backup-elsewhere | backups that fail for days, over the window |
 * | backup-choose, backup-start, backup-now, backup-test-now, backup-stop | the backup |
 * | export-format, export-do, export-done | exporting a chat |
 * | error-text | the sentence of an error, wherever it is shown |
 */
export const testIds = [
  "asked-line",
  "backup-aside",
  "backup-banner",
  "backup-choose",
  "backup-elsewhere",
  "backup-last",
  "backup-now",
  "backup-problem",
  "backup-start",
  "backup-stop",
  "backup-test",
  "backup-test-now",
  "banner",
  "block-confirm",
  "blocked-account",
  "blocked-bar",
  "card-open",
  "bring-back",
  "bring-back-choose",
  "bring-back-do",
  "bring-back-done",
  "code-input",
  "code-way-add",
  "code-way-save",
  "code-way-saved",
  "composer-input",
  "composer-send",
  "conversation-item",
  "conversation-menu",
  "conversation-status",
  "conversation-title",
  "create-account",
  "damaged",
  "damaged-ask",
  "damaged-discard",
  "damaged-banner",
  "damaged-restart",
  "decline-confirm",
  "empty-safety",
  "error-text",
  "export-do",
  "export-done",
  "export-format",
  "first-run-add-device",
  "first-run-invite",
  "first-run-relay",
  "folder-choose",
  "folder-input",
  "folder-open",
  "handle-input",
  "handle-open",
  "handle-outcome",
  "handle-remove",
  "handle-save",
  "health-facts",
  "held-line",
  "invite-continue",
  "invite-link-input",
  "invite-someone",
  "invite-summary",
  "invite-url",
  "issued-link",
  "jump-to-end",
  "keyring-add",
  "keyring-trouble",
  "language-select",
  "last-way",
  "links-open",
  "looks-like",
  "link-replaced",
  "link-unused",
  "lost-backup",
  "lost-code",
  "lost-confirm",
  "lost-reason",
  "lost-restore",
  "lost-without",
  "mended",
  "mended-kept",
  "mended-understood",
  "message",
  "message-details",
  "message-text",
  "my-links",
  "name-input",
  "name-outcome",
  "name-save",
  "new-chat",
  "not-loaded",
  "open-handle",
  "open-link",
  "own-handle",
  "own-name",
  "own-status",
  "passphrase-input",
  "passphrase-repeat",
  "passphrase-save",
  "passphrase-saved",
  "passphrase-write",
  "picture-choose",
  "picture-file",
  "presence-dot",
  "privacy-switch",
  "protection-passphrase",
  "protection-unprotected",
  "qr-picture",
  "recovery-banner",
  "recovery-confirm",
  "recovery-done",
  "recovery-finish",
  "recovery-later",
  "recovery-open",
  "recovery-reveal",
  "recovery-show",
  "recovery-words",
  "recovery-written",
  "removed-bar",
  "request-accept",
  "request-bar",
  "request-block",
  "request-decline",
  "restore-do",
  "restore-open",
  "restore-relay",
  "restore-sure",
  "restore-warning",
  "safety-by-eye",
  "safety-compare",
  "safety-groups",
  "safety-input",
  "safety-result",
  "safety-unmark",
  "safety-verified",
  "search-hit",
  "search-input",
  "settings-open",
  "standing-mark",
  "status-choice",
  "status-said",
  "status-save",
  "status-text",
  "status-text-until",
  "status-until",
  "stopped-retry",
  "theme-select",
  "unblock",
  "unlock-button",
  "unlock-input",
  "unlock-with-code",
  "unread-divider",
  "verified",
  "verified-open",
  "way-in",
  "way-recovery",
  "way-remove",
] as const;
