-- Key packages have a time after which they are not handed out. Those from before are handed out until they are replaced.
ALTER TABLE key_packages ADD COLUMN expires INTEGER NOT NULL DEFAULT 9223372036854775807; -- not usable from then on
CREATE INDEX key_packages_by_expiry ON key_packages (expires);
