-- A question for all that somebody wrote is kept until it is answered: whoever was asked may have gone back in time, and forgotten it.

ALTER TABLE conversations ADD COLUMN asked_from INTEGER;                 -- first seq that the other was asked for, and has not said that it was all

-- What was taken back, so that a restored relay can be told again.
ALTER TABLE contacts ADD COLUMN was_blocked INTEGER NOT NULL DEFAULT 0;  -- 1: was blocked once; a restored relay may believe that still
UPDATE contacts SET was_blocked = blocked;
CREATE TABLE ended_links (
    token           BLOB PRIMARY KEY NOT NULL,           -- of a link that the person ended
    expires         INTEGER NOT NULL                     -- when it would have ended by itself
) STRICT;

-- No older state of a group is entered than the one that was reached here, whatever became of that since.
ALTER TABLE rejoins ADD COLUMN reached_incarnation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rejoins ADD COLUMN reached_epoch INTEGER NOT NULL DEFAULT 0;

-- What is sent again has its place below `streams.passed_over` only while it is expected.
ALTER TABLE streams ADD COLUMN expected_until INTEGER NOT NULL DEFAULT 0; -- by the relay's clock
