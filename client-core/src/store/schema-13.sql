-- A relay puts a recovery record in the place of another one only where the root key signed it, which is gone when it is told again.

ALTER TABLE account ADD COLUMN record_signature BLOB;                    -- of `record`, for the relay; NULL: made before records were signed
