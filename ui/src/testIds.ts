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
 * | composer-input, composer-send | composer |
 * | message | `data-id`, `data-mine` (true, false), `data-kind` (text, system, unreadable, unsupported), `data-state` (pending, queued, sent, delivered, failed, received) |
 * | message-text | the words inside of a message |
 * | unread-divider, jump-to-end | timeline |
 * | banner | connection banner; `data-phase` (connecting, offline, stopped); absent while all is well |
 * | theme-select, language-select | settings; values system, light, dark and system, en, es |
 * | error-text | the sentence of an error, wherever it is shown |
 */
export const testIds = [
  "banner",
  "composer-input",
  "composer-send",
  "conversation-item",
  "conversation-title",
  "create-account",
  "error-text",
  "first-run-add-device",
  "first-run-invite",
  "first-run-relay",
  "invite-continue",
  "invite-link-input",
  "invite-someone",
  "invite-summary",
  "invite-url",
  "jump-to-end",
  "language-select",
  "message",
  "message-text",
  "name-input",
  "new-chat",
  "open-link",
  "passphrase-input",
  "passphrase-repeat",
  "protection-passphrase",
  "protection-unprotected",
  "search-hit",
  "search-input",
  "settings-open",
  "stopped-retry",
  "theme-select",
  "unlock-button",
  "unlock-input",
  "unread-divider",
] as const;
