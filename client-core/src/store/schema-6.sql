-- What the relay is asked for until it has answered, and what proves consent.

ALTER TABLE account ADD COLUMN list_since INTEGER;                       -- the list of our conversations is wanted: the highest key here when that began; NULL: it is not
ALTER TABLE account ADD COLUMN list_after BLOB;                          -- ConversationId up to which it came; NULL: nothing yet
ALTER TABLE account ADD COLUMN list_count INTEGER NOT NULL DEFAULT 0;    -- conversations in what came of it
ALTER TABLE account ADD COLUMN blocks_wanted INTEGER NOT NULL DEFAULT 0; -- 1: so is the list of those whom the person blocked

ALTER TABLE declined ADD COLUMN peer BLOB;                               -- AccountId of who asked; NULL: of a version that did not note it
ALTER TABLE conversations ADD COLUMN secret BLOB;                        -- secret: of a link of the other, opened while it had not answered us

-- Accounts that proved to hold one of our links, each once: a link has so many uses.
CREATE TABLE link_uses (
    token           BLOB NOT NULL,                       -- of the link
    account         BLOB NOT NULL,                       -- AccountId
    PRIMARY KEY (token, account)
) STRICT, WITHOUT ROWID;
