-- The relay's database. STRICT, explicit columns; migrations only add. Times are milliseconds since 1970-01-01 UTC.
-- Row numbers (id) are names inside this file only and never cross the wire.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY, -- 'generation', 'time', 'aging', 'floor'
    value BLOB NOT NULL              -- 16 random bytes, drawn anew when a backup is restored; of the others eight, big-endian
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id         INTEGER NOT NULL PRIMARY KEY,
    account    BLOB    NOT NULL UNIQUE,   -- AccountId
    created    INTEGER NOT NULL,          -- when it was made; part of its receipt
    invited_by INTEGER,                   -- accounts.id of the issuer of its invite; NULL: the operator
    manifest   INTEGER NOT NULL,          -- manifests.number in force
    last_seen  INTEGER NOT NULL DEFAULT 0 -- when its last announcing device left
) STRICT;

CREATE TABLE manifests (
    id      INTEGER NOT NULL PRIMARY KEY,
    account INTEGER NOT NULL, -- accounts.id
    number  INTEGER NOT NULL, -- as in the manifest
    digest  BLOB    NOT NULL, -- SHA-256 of bytes
    bytes   BLOB    NOT NULL, -- as signed
    UNIQUE (account, number)
) STRICT;

CREATE TABLE devices (
    id           INTEGER NOT NULL PRIMARY KEY,
    device       BLOB    NOT NULL UNIQUE,    -- DeviceId
    account      INTEGER NOT NULL,           -- accounts.id
    login_key    BLOB    NOT NULL,           -- Ed25519, from its certificate
    leaf_key     BLOB    NOT NULL,           -- Ed25519, from its certificate
    inbox        INTEGER NOT NULL UNIQUE,    -- streams.id
    inbox_cursor INTEGER NOT NULL DEFAULT 0, -- the highest seq of the inbox that the device has processed
    revoked      INTEGER NOT NULL DEFAULT 0, -- when its account revoked it; 0: in force
    created      INTEGER NOT NULL            -- when the relay learned of it
) STRICT;
CREATE INDEX devices_by_account ON devices (account);

CREATE TABLE streams (
    id   INTEGER NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL DEFAULT 0, -- seq of the last entry
    base INTEGER NOT NULL DEFAULT 0, -- what lies at and below is gone
    time INTEGER NOT NULL DEFAULT 0  -- of the last entry
) STRICT;

CREATE TABLE conversations (
    stream        INTEGER NOT NULL PRIMARY KEY, -- streams.id
    conversation  BLOB    NOT NULL UNIQUE,      -- ConversationId
    low           INTEGER NOT NULL,             -- accounts.id: the lesser of the two accounts
    high          INTEGER NOT NULL,             -- accounts.id: the greater
    incarnation   INTEGER NOT NULL,             -- of its group
    epoch         INTEGER NOT NULL,             -- current epoch
    commit_seq    INTEGER NOT NULL,             -- seq of the commit that made the epoch
    commit_digest BLOB    NOT NULL,             -- SHA-256 of that commit
    group_info    BLOB    NOT NULL,             -- MLS GroupInfo of the epoch
    UNIQUE (low, high)
) STRICT;

CREATE TABLE members (
    stream  INTEGER NOT NULL, -- streams.id of the conversation
    device  INTEGER NOT NULL, -- devices.id
    joined  INTEGER NOT NULL, -- it reads what comes after this seq
    left    INTEGER,          -- it reads up to this seq; NULL: still a member
    welcome INTEGER NOT NULL, -- seq of its welcome in its inbox; 0: the creator
    cursor  INTEGER NOT NULL, -- the highest seq that it has processed
    PRIMARY KEY (stream, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_device ON members (device);

-- Append-only, in the order of storing. When every member has an entry its bytes go; the row stays for as long as client
-- ids are remembered, so that a repeat gets its first answer.
CREATE TABLE entries (
    id          INTEGER NOT NULL PRIMARY KEY,
    stream      INTEGER NOT NULL, -- streams.id
    seq         INTEGER NOT NULL, -- +1 per stream
    sender      INTEGER NOT NULL, -- devices.id
    kind        INTEGER NOT NULL, -- protocol::EntryKind
    incarnation INTEGER NOT NULL, -- of the group in which it was sealed
    epoch       INTEGER NOT NULL, -- in which it was sealed; for a commit, the epoch that it ends
    time        INTEGER NOT NULL, -- when it was stored
    client_id   BLOB    NOT NULL, -- the sender's idempotency key
    digest      BLOB    NOT NULL, -- SHA-256 of the bytes as they came
    about       INTEGER,          -- streams.id of the conversation that a welcome opens
    bytes       BLOB    NOT NULL  -- sealed
) STRICT;
CREATE UNIQUE INDEX entries_by_seq ON entries (stream, seq);
-- welcomes (kind 3) bear the client id of their commit
CREATE UNIQUE INDEX entries_by_client_id ON entries (sender, client_id) WHERE kind <> 3;

CREATE TABLE group_snapshots (
    stream INTEGER NOT NULL PRIMARY KEY, -- streams.id of the conversation
    epoch  INTEGER NOT NULL,             -- of the state
    state  BLOB    NOT NULL              -- public state of the group (MessagePack)
) STRICT;

CREATE TABLE group_commits (
    id     INTEGER NOT NULL PRIMARY KEY,
    stream INTEGER NOT NULL, -- streams.id of the conversation
    epoch  INTEGER NOT NULL, -- that the commit ended; at or above the snapshot's
    bytes  BLOB    NOT NULL, -- MLS PublicMessage
    UNIQUE (stream, epoch)
) STRICT;

CREATE TABLE key_packages (
    id          INTEGER NOT NULL PRIMARY KEY,
    device      INTEGER NOT NULL, -- devices.id
    last_resort INTEGER NOT NULL, -- 1: handed out again and again when no other is left
    bytes       BLOB    NOT NULL  -- MLS KeyPackage
) STRICT;
CREATE INDEX key_packages_by_device ON key_packages (device, last_resort, id);

CREATE TABLE claims (
    id        INTEGER NOT NULL PRIMARY KEY,
    device    INTEGER NOT NULL, -- devices.id of the claimer
    client_id BLOB    NOT NULL, -- its idempotency key
    account   BLOB    NOT NULL, -- AccountId whose packages were claimed
    time      INTEGER NOT NULL, -- when
    reply     BLOB    NOT NULL, -- the Claimed that was answered (CBOR)
    UNIQUE (device, client_id)
) STRICT;

CREATE TABLE links (
    token   BLOB    NOT NULL PRIMARY KEY, -- stored hash of the token
    issuer  INTEGER,                      -- accounts.id; NULL: the operator
    invite  INTEGER NOT NULL,             -- 1: lets a new account register
    uses    INTEGER NOT NULL,             -- left
    expires INTEGER NOT NULL              -- when it ends
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_issuer ON links (issuer);
