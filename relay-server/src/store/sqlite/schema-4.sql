-- What is forgotten is found by its time, whatever was stored before it; and what a request that nobody answered may still do.

CREATE INDEX entries_by_time ON entries (time) WHERE bytes = x''; -- those of which only the client id is left
CREATE INDEX claims_by_time ON claims (time);

-- commits that the requester may still make, and incarnations that it may begin
ALTER TABLE conversations ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET commits = 16 WHERE requester IS NOT NULL;
