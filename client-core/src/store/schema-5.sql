-- Where what is missing lies in the stream, and the runs of entries that ended.

ALTER TABLE chains ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;            -- of the newest entry of another's chain in the stream
ALTER TABLE gaps ADD COLUMN after_seq INTEGER NOT NULL DEFAULT 0;        -- of the last entry of this device before the gap
ALTER TABLE outbox ADD COLUMN again_chain BLOB;                          -- the chain of `again`; NULL: of a version that did not note it
ALTER TABLE rejoins ADD COLUMN was_member INTEGER NOT NULL DEFAULT 0;    -- 1: the commit takes the place of a leaf that this device had

-- Chains that a device began another after, our own among them: what was sealed in them can still come, or be asked for.
CREATE TABLE former_chains (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,   -- the order in which they ended
    conversation    INTEGER NOT NULL REFERENCES conversations (key),
    device          BLOB NOT NULL,                       -- DeviceId
    chain           BLOB NOT NULL,
    number          INTEGER NOT NULL,                    -- of the newest entry that was known when it ended
    UNIQUE (conversation, device, chain)
) STRICT;
