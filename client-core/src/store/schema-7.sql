-- What the person says of themselves. One row; none: simply there, and nobody was told anything else.
CREATE TABLE own_presence (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    quiet_since     INTEGER,                             -- do not disturb since then; NULL: the person may be disturbed
    quiet_until     INTEGER,                             -- and until then; NULL: until the person says otherwise
    text            TEXT NOT NULL DEFAULT '',            -- status text; empty: none
    text_until      INTEGER,                             -- it goes then; NULL: when the person says so
    told            INTEGER NOT NULL DEFAULT 0           -- 1: contacts may have been told something that is to be taken back
) STRICT;
