-- Leaves that have to go.

ALTER TABLE conversations ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;    -- 1: a leaf of our account that is out of force is removed before anything is sent
UPDATE conversations SET dead = 1 WHERE renew_at = 0;
