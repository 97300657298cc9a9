-- Requests and blocks, receipts, chains of entries, own commits, recovery.

ALTER TABLE account ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;          -- entries made for the relay; it never took more than these from us
ALTER TABLE account ADD COLUMN privacy INTEGER NOT NULL DEFAULT 7;       -- bits: 1 read receipts, 2 typing, 4 presence
ALTER TABLE account ADD COLUMN handle TEXT;                              -- as the relay confirmed it
ALTER TABLE account ADD COLUMN recovery_code BLOB;                       -- secret: until the person confirmed having written it down
ALTER TABLE account ADD COLUMN recovery_due INTEGER NOT NULL DEFAULT 0;  -- 1: somebody answered, so there is something to lose
ALTER TABLE account ADD COLUMN record BLOB;                              -- our recovery record: its name (32 bytes), then its bytes, sealed by the code
ALTER TABLE account ADD COLUMN record_told INTEGER NOT NULL DEFAULT 0;   -- 1: the relay has it
ALTER TABLE account ADD COLUMN enrolling INTEGER NOT NULL DEFAULT 0;     -- 1: this device is certified in our manifest, the relay has not seen it yet
ALTER TABLE account ADD COLUMN unwiped INTEGER NOT NULL DEFAULT 0;       -- 1: the root key left this database, and may still lie in older copies of it

ALTER TABLE backup ADD COLUMN failing INTEGER;                           -- when the first run since the last good one failed; NULL: none did
ALTER TABLE backup ADD COLUMN problem TEXT;                              -- why the newest one failed, as the app calls it

ALTER TABLE contacts ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;      -- 1: by the person
ALTER TABLE contacts ADD COLUMN block_told INTEGER NOT NULL DEFAULT 1;   -- 0: the relay has to be told
ALTER TABLE contacts ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;     -- 1: the safety number was compared
ALTER TABLE contacts ADD COLUMN claimed_number INTEGER NOT NULL DEFAULT 0; -- highest number of its manifest that it named itself
ALTER TABLE contacts ADD COLUMN split INTEGER NOT NULL DEFAULT 0;        -- 1: the relay was seen to show different manifests

ALTER TABLE conversations ADD COLUMN standing INTEGER NOT NULL DEFAULT 0; -- 0 open, 1 asked by us, 2 asked by the other
ALTER TABLE conversations ADD COLUMN read_told INTEGER NOT NULL DEFAULT 0; -- seq up to which the other was told that we have read
ALTER TABLE conversations ADD COLUMN peer_read INTEGER NOT NULL DEFAULT 0; -- seq up to which the other says to have read
ALTER TABLE conversations ADD COLUMN renew_at INTEGER;                   -- when our leaf is to be renewed; NULL: not planned yet
ALTER TABLE conversations ADD COLUMN since_renewal INTEGER NOT NULL DEFAULT 0; -- entries that we sealed since

ALTER TABLE conversations ADD COLUMN entered INTEGER NOT NULL DEFAULT 0; -- 1: what lies before is not missed: we came in late, or had the other blocked

-- Room between entries for the app's own lines: eight places for each seq, the last for the entry itself.
DROP INDEX messages_by_position;
UPDATE messages SET position = position * 8 + CASE kind WHEN 2 THEN 0 ELSE 7 END WHERE seq IS NOT NULL;
UPDATE conversations SET read_position = read_position * 8 + 7 WHERE read_position > 0;
CREATE UNIQUE INDEX messages_by_position ON messages (conversation, position);

-- When the other's devices had, and the other read, what: each rise with its time.
CREATE TABLE progress (
    conversation    INTEGER NOT NULL REFERENCES conversations (key),
    kind            INTEGER NOT NULL,                    -- 1 delivered, 2 read
    seq             INTEGER NOT NULL,                    -- up to here
    time            INTEGER NOT NULL,                    -- since then
    PRIMARY KEY (conversation, kind, seq)
) STRICT, WITHOUT ROWID;

-- Hash chains over the client ids that a device sealed in a conversation: our own, and as far as we saw those of others.
CREATE TABLE chains (
    conversation    INTEGER NOT NULL REFERENCES conversations (key),
    device          BLOB NOT NULL,                       -- DeviceId
    chain           BLOB NOT NULL,                       -- 8 random bytes, anew whenever the device enters the group
    number          INTEGER NOT NULL,                    -- of the newest entry
    link            BLOB NOT NULL,                       -- hash over the client ids up to it
    PRIMARY KEY (conversation, device)
) STRICT, WITHOUT ROWID;

-- What others sealed and we never saw.
CREATE TABLE gaps (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation    INTEGER NOT NULL REFERENCES conversations (key),
    device          BLOB NOT NULL,                       -- DeviceId
    chain           BLOB NOT NULL,
    number          INTEGER NOT NULL,                    -- of the missing entry
    message         INTEGER NOT NULL REFERENCES messages (id), -- the line that tells of it
    UNIQUE (conversation, device, chain, number)
) STRICT;
CREATE INDEX gaps_by_message ON gaps (message);

-- Which of our messages had which number of our chain, so that it can be sent again to who missed it.
CREATE TABLE sent_numbers (
    conversation    INTEGER NOT NULL REFERENCES conversations (key),
    chain           BLOB NOT NULL,
    number          INTEGER NOT NULL,
    message         INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    PRIMARY KEY (conversation, chain, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX sent_numbers_by_message ON sent_numbers (message);

ALTER TABLE outbox ADD COLUMN again INTEGER;                             -- number in our chain of the entry that this one repeats
ALTER TABLE openings ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;  -- of the group that is founded; above 0: a reset
ALTER TABLE links ADD COLUMN invite INTEGER NOT NULL DEFAULT 1;          -- 1: lets a new account register

-- Intents to come back into a group from outside. The conversation may be unknown here until then.
CREATE TABLE rejoins (
    conversation    BLOB PRIMARY KEY NOT NULL,           -- ConversationId
    client_id       BLOB NOT NULL,                       -- idempotency key of the commit; anew for each
    request         BLOB,                                -- the encoded commit once it is made; resent unchanged
    attempts        INTEGER NOT NULL DEFAULT 0           -- commits that lost or were refused
) STRICT;

-- Intents to renew our leaf or to remove dead ones of our own account.
CREATE TABLE renewals (
    conversation    INTEGER PRIMARY KEY NOT NULL REFERENCES conversations (key),
    client_id       BLOB NOT NULL,
    request         BLOB
) STRICT;

-- Requests that the person did not want.
CREATE TABLE declined (
    conversation    BLOB PRIMARY KEY NOT NULL,           -- ConversationId
    told            INTEGER NOT NULL DEFAULT 0,          -- 1: the relay knows
    time            INTEGER NOT NULL
) STRICT;

-- Every manifest that we ever signed or saw of our own, to recognise what others saw of us.
CREATE TABLE own_manifests (
    number          INTEGER PRIMARY KEY NOT NULL,
    bytes           BLOB NOT NULL,                       -- to be published again to a relay that lost it
    digest          BLOB NOT NULL
) STRICT;
