-- The account's database, one per account, encrypted by SQLCipher. Migrations only add; an applied one is never edited.
-- Ids are BLOBs of their raw bytes. Times are milliseconds since 1970-01-01 UTC by the relay's clock unless said otherwise.

CREATE TABLE account (
    id              INTEGER PRIMARY KEY CHECK (id = 1),  -- one row
    account         BLOB NOT NULL,                       -- AccountId
    relay           BLOB NOT NULL,                       -- RelayId, pinned by the link that made the account
    addresses       TEXT NOT NULL,                       -- addresses of the relay, one a line, tried in order
    keys            BLOB NOT NULL,                       -- AccountKeys: secret; this file is encrypted
    manifest        BLOB NOT NULL,                       -- our newest signed manifest
    name            TEXT NOT NULL,                       -- our own display name
    registration    BLOB,                                -- token of the invite until the relay has made the account
    receipt         BLOB,                                -- the relay's signed word that it made the account
    store_generation BLOB,                               -- of the relay, at the last connection
    relay_offset    INTEGER NOT NULL DEFAULT 0           -- relay's clock minus ours at the last connection, ms
) STRICT;

CREATE TABLE contacts (
    account         BLOB PRIMARY KEY NOT NULL,           -- AccountId
    root_key        BLOB,                                -- pinned with the first checked manifest or leaf
    manifest        BLOB,                                -- newest manifest seen
    manifest_number INTEGER NOT NULL DEFAULT 0,          -- its number; never goes back
    name            TEXT NOT NULL DEFAULT '',            -- display name that the contact gave itself
    consented       INTEGER NOT NULL DEFAULT 0           -- 1: proved to hold one of our links, or we opened one of theirs
) STRICT;

CREATE TABLE conversations (
    key             INTEGER PRIMARY KEY AUTOINCREMENT,   -- ConversationKey: what this device calls it, for life
    conversation    BLOB NOT NULL UNIQUE,                -- ConversationId; another one won if we lost a race to create it
    peer            BLOB NOT NULL UNIQUE REFERENCES contacts (account), -- the other account of a direct conversation
    incarnation     INTEGER NOT NULL DEFAULT 0,          -- of the MLS group
    state           INTEGER NOT NULL DEFAULT 0,          -- 0 opening, 1 established, 2 refused by the relay
    created         INTEGER NOT NULL,                    -- when it appeared here
    draft           TEXT NOT NULL DEFAULT '',            -- what is being written
    read_position   INTEGER NOT NULL DEFAULT 0,          -- highest position that the person has read
    unread          INTEGER NOT NULL DEFAULT 0,          -- messages of others past it
    delivered_seq   INTEGER NOT NULL DEFAULT 0,          -- the relay's word: every recipient has a device with this seq
    last_activity   INTEGER NOT NULL DEFAULT 0           -- time of the newest message, to sort by
) STRICT;
CREATE INDEX conversations_by_activity ON conversations (last_activity DESC, key DESC);

CREATE TABLE messages (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,   -- row
    message_id      BLOB NOT NULL UNIQUE,                -- MessageId; a message is shown once
    conversation    INTEGER NOT NULL REFERENCES conversations (key),
    position        INTEGER NOT NULL,                    -- sort key: seq, or 2^50 + id before the relay has it
    seq             INTEGER,                             -- position in the stream
    sender          BLOB NOT NULL,                       -- AccountId
    mine            INTEGER NOT NULL,                    -- 1: sent by this account
    kind            INTEGER NOT NULL,                    -- 1 text, 2 system, 3 unreadable, 4 unsupported
    text            TEXT NOT NULL DEFAULT '',            -- what is shown and searched; for system messages the event's name
    content         BLOB NOT NULL,                       -- opened content (MIMI), kept for later versions; sealed bytes if unreadable
    time            INTEGER NOT NULL,                    -- relay's time; before it is known, our estimate of it
    state           INTEGER NOT NULL DEFAULT 0,          -- own messages: 0 queued, 1 sent, 2 failed
    client_id       BLOB                                 -- of the entry that carried it
) STRICT;
CREATE UNIQUE INDEX messages_by_position ON messages (conversation, position);
CREATE INDEX messages_by_client_id ON messages (client_id) WHERE client_id IS NOT NULL;

CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,   -- order of sending within a conversation
    conversation    INTEGER NOT NULL REFERENCES conversations (key),
    message         INTEGER REFERENCES messages (id),    -- the message that a person sees, if any
    first           INTEGER NOT NULL DEFAULT 0,          -- 1: goes before all others (our profile, right after joining)
    client_id       BLOB NOT NULL UNIQUE,                -- idempotency key of the append; kept when sealed again
    content         BLOB NOT NULL,                       -- opened content (MIMI)
    sealed          BLOB,                                -- the bytes that were, or are about to be, sent
    incarnation     INTEGER,                             -- where they were sealed
    epoch           INTEGER                              -- where they were sealed
) STRICT;
CREATE INDEX outbox_by_conversation ON outbox (conversation, first DESC, id);

CREATE TABLE streams (
    stream          BLOB PRIMARY KEY NOT NULL,           -- ConversationId, or empty for the inbox
    cursor          INTEGER NOT NULL                     -- highest seq durably processed
) STRICT;

CREATE TABLE openings (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,   -- an intent to open the direct conversation with a contact
    conversation    INTEGER NOT NULL UNIQUE REFERENCES conversations (key),
    secret          BLOB,                                -- of the link that we opened: shows the issuer that we held it
    invited         INTEGER NOT NULL DEFAULT 0,          -- 1: the link's use was spent by our registration
    claim_id        BLOB NOT NULL,                       -- idempotency key of the claim of key packages
    client_id       BLOB NOT NULL,                       -- idempotency key of the creation
    request         BLOB                                 -- the encoded creation once the group is made; resent unchanged
) STRICT;

CREATE TABLE links (
    token           BLOB PRIMARY KEY NOT NULL,           -- what the relay knows of the link
    secret          BLOB NOT NULL,                       -- what its holder knows
    expires         INTEGER NOT NULL,                    -- when it ends
    uses            INTEGER NOT NULL                     -- how many accounts may use it
) STRICT;

CREATE TABLE search_queue (
    message         INTEGER PRIMARY KEY NOT NULL         -- messages whose text is not in the index yet
) STRICT;
CREATE VIRTUAL TABLE search_index USING fts5 (
    text, content = '', contentless_delete = 1, tokenize = "trigram remove_diacritics 1"
);
