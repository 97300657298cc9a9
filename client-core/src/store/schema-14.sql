-- A device that was removed shows that before it is connected.

ALTER TABLE account ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;       -- 1: our account removed this device, as the relay said last
