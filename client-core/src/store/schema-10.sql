-- What is missing by ranges, questions of others that wait for their answer, and gaps that a restored relay declared.

ALTER TABLE gaps ADD COLUMN last INTEGER NOT NULL DEFAULT 0;             -- `number` is the first that is missing, this the last
ALTER TABLE gaps ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;            -- 1: the sender was asked for it since there was last a reason to ask
UPDATE gaps SET last = number;

-- Entries of ours that others asked for beyond what is answered in an hour.
CREATE TABLE questions (
    conversation    INTEGER NOT NULL REFERENCES conversations (key),
    chain           BLOB NOT NULL,                       -- a chain of ours, or eight zero bytes for positions in the stream
    first           INTEGER NOT NULL,
    last            INTEGER NOT NULL,
    PRIMARY KEY (conversation, chain)
) STRICT, WITHOUT ROWID;

-- A restored relay leaves out positions once in each stream.
ALTER TABLE account ADD COLUMN seen_generation BLOB;                     -- store generation of the newest connection, whatever was offered since
ALTER TABLE streams ADD COLUMN generation BLOB;                          -- under which the stream was read to its end
UPDATE account SET seen_generation = store_generation;
UPDATE streams SET generation = (SELECT store_generation FROM account);
