-- What was not looked at because its sender was blocked, what a relay that went back in time counts again, and the proof of a link.

ALTER TABLE streams ADD COLUMN passed_over INTEGER NOT NULL DEFAULT 0;   -- highest seq of an entry that was passed over
ALTER TABLE streams ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;       -- highest seq that was known when the relay had less
ALTER TABLE conversations ADD COLUMN proof BLOB;                         -- shows the other that we held a link of its; it may be lost on its way
