-- Blocks, relays and people that go back in time, and the proof of a link.

ALTER TABLE streams ADD COLUMN passed_over INTEGER NOT NULL DEFAULT 0;   -- highest seq of an entry that was passed over
ALTER TABLE streams ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;       -- highest seq that was known when the relay had less
ALTER TABLE conversations ADD COLUMN proof BLOB;                         -- shows the other that we held a link of its; it may be lost on its way

-- What a restored relay has lost is not delivered before it has it again.
ALTER TABLE messages ADD COLUMN taken INTEGER;                           -- seq by which the relay says that it is delivered, where that is not `seq`
CREATE INDEX messages_taken ON messages (conversation, taken) WHERE taken IS NOT NULL;

-- The newest entries of others that were opened: what used their keys and is none of them was sealed by who went back in time.
CREATE TABLE opened (
    id              INTEGER PRIMARY KEY,
    client_id       BLOB NOT NULL UNIQUE                 -- of the entry
) STRICT;
