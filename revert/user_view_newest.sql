-- Index: users, newest first
BEGIN;

DROP INDEX user_view_newest;

COMMIT;
