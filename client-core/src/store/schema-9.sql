-- How a relay is found out that went back in time.

ALTER TABLE account ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;  -- entries that the relay surely took from this device; it never names fewer
ALTER TABLE account ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0; -- answers to come that may be for entries counted in it already
