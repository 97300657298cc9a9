-- Safekeeping: what is known after a database was damaged and mended, and the backup that a person keeps elsewhere.

ALTER TABLE account ADD COLUMN mls_lost INTEGER NOT NULL DEFAULT 0; -- 1: MLS state is gone; every conversation is to be rejoined

CREATE TABLE mendings (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,   -- each time that this database was made anew from a damaged one
    time            INTEGER NOT NULL,                    -- when, by the computer's clock
    damage          TEXT NOT NULL,                       -- what was found, for the page of details
    how             INTEGER NOT NULL,                    -- 1 salvaged, 2 and filled from a copy, 3 a copy, 4 keys only, 5 keys and a backup
    copied          INTEGER,                             -- when that copy or backup was made
    messages        INTEGER NOT NULL,                    -- messages kept
    missing         INTEGER,                             -- at most this many are lost; NULL: unknown
    lost_since      INTEGER,                             -- messages from then on may be lost; NULL: none
    folder          TEXT NOT NULL,                       -- where the damaged files are
    told            INTEGER NOT NULL DEFAULT 0           -- 1: the person has read it
) STRICT;

CREATE TABLE backup (
    id              INTEGER PRIMARY KEY CHECK (id = 1),  -- one row while backups are on
    key             BLOB NOT NULL,                       -- derived from the recovery code: secret; this file is encrypted
    folder          TEXT NOT NULL,                       -- where it is written
    record          BLOB NOT NULL,                       -- the account's keys as the recovery code wraps them; opaque
    run             BLOB,                                -- id of the last run that ended well; its manifest has the same
    last_message    INTEGER NOT NULL DEFAULT 0,          -- messages up to this row are in the backup
    watched         INTEGER NOT NULL DEFAULT 0,          -- changes to messages up to this row are noted
    filled          INTEGER NOT NULL DEFAULT 0,          -- 1: the database got back what it had lost and the backup had
    last_run        INTEGER,                             -- when the last run ended well, by the computer's clock
    rehearsed       INTEGER,                             -- when the last test restore ended
    rehearsal       TEXT                                 -- why it failed; NULL: it went well
) STRICT;

CREATE TABLE backup_changes (
    message         INTEGER PRIMARY KEY NOT NULL,        -- rows of `messages` that changed or went since they were backed up
    times           INTEGER NOT NULL DEFAULT 1           -- how often: what changes during a run is not forgotten after it
) STRICT;
CREATE TRIGGER messages_changed_after_backup AFTER UPDATE ON messages
WHEN old.id <= (SELECT coalesce(max(watched), 0) FROM backup)
BEGIN
    INSERT INTO backup_changes (message) VALUES (old.id) ON CONFLICT (message) DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER messages_removed_after_backup AFTER DELETE ON messages
WHEN old.id <= (SELECT coalesce(max(watched), 0) FROM backup)
BEGIN
    INSERT INTO backup_changes (message) VALUES (old.id) ON CONFLICT (message) DO UPDATE SET times = times + 1;
END;
