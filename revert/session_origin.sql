-- A session shows where it was opened, when it was last used, and when its user last proved who they are
BEGIN;

ALTER TABLE session DROP COLUMN address, DROP COLUMN user_agent, DROP COLUMN seen_at, DROP COLUMN proved_at;

COMMIT;
