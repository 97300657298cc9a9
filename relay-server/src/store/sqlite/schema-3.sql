-- Requests, blocks, handles, recovery records, new incarnations, and the gaps that a restore declares.

ALTER TABLE accounts ADD COLUMN handle TEXT; -- by which others find it; NULL: none
CREATE UNIQUE INDEX accounts_by_handle ON accounts (handle) WHERE handle IS NOT NULL;

ALTER TABLE devices ADD COLUMN sent INTEGER NOT NULL DEFAULT 0; -- application entries and commits ever taken from it
UPDATE devices SET sent = (SELECT count(*) FROM entries e WHERE e.sender = devices.id AND e.kind <> 3);

ALTER TABLE conversations ADD COLUMN requester INTEGER; -- accounts.id of who asked for it; NULL: accepted
ALTER TABLE conversations ADD COLUMN allowance INTEGER NOT NULL DEFAULT 0; -- entries that the requester may still append
CREATE INDEX conversations_by_high ON conversations (high);
CREATE INDEX conversations_by_requester ON conversations (requester) WHERE requester IS NOT NULL;

-- A membership that goes on in a new incarnation keeps its row: it reads on without a gap.
ALTER TABLE members ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- what comes after this seq needs the welcome acknowledged
ALTER TABLE members ADD COLUMN former_welcome INTEGER NOT NULL DEFAULT 0; -- what comes before needs this one; 0: none

ALTER TABLE entries ADD COLUMN start INTEGER; -- of a welcome: seq of the commit that adds the device

-- Conversations that were declined. Their members and groups are gone; the id is never used again while it is remembered.
CREATE TABLE ended_conversations (
    stream       INTEGER NOT NULL PRIMARY KEY, -- streams.id
    conversation BLOB    NOT NULL UNIQUE,      -- ConversationId
    requester    INTEGER NOT NULL,             -- accounts.id of who asked for it
    account      INTEGER NOT NULL,             -- accounts.id of who declined it
    time         INTEGER NOT NULL              -- when
) STRICT;
CREATE INDEX ended_conversations_by_time ON ended_conversations (time);
CREATE INDEX ended_conversations_by_pair ON ended_conversations (account, requester, time);

CREATE TABLE blocks (
    account INTEGER NOT NULL, -- accounts.id of who blocks
    blocked BLOB    NOT NULL, -- AccountId; perhaps of nobody
    PRIMARY KEY (account, blocked)
) STRICT, WITHOUT ROWID;

CREATE TABLE records (
    account INTEGER NOT NULL PRIMARY KEY, -- accounts.id
    record  BLOB    NOT NULL UNIQUE,      -- stored hash of its name
    bytes   BLOB    NOT NULL              -- sealed by the recovery code
) STRICT;

-- What a restore from a backup may have lost: no entry has a seq in here, and none is ever stored there.
CREATE TABLE gaps (
    stream INTEGER NOT NULL, -- streams.id
    begins INTEGER NOT NULL, -- seq of the last entry before
    ends   INTEGER NOT NULL, -- the last seq in it
    PRIMARY KEY (stream, begins)
) STRICT, WITHOUT ROWID;
