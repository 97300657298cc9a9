-- What could not be opened is counted when it happens, and what a device says of its person has an order.

CREATE TABLE unopened (
    id              INTEGER PRIMARY KEY,
    client_id       BLOB NOT NULL UNIQUE,                -- of an entry that could not be opened when it came, whatever came since
    time            INTEGER NOT NULL                     -- when it was tried
) STRICT;
CREATE INDEX unopened_by_time ON unopened (time);
INSERT OR IGNORE INTO unopened (client_id, time) SELECT client_id, time FROM messages WHERE kind = 3 AND client_id IS NOT NULL;

ALTER TABLE own_presence ADD COLUMN number INTEGER NOT NULL DEFAULT 0;   -- of what was told last; rises whenever it is something else
