-- Index: accounts, newest first
BEGIN;

DROP INDEX account_view_newest;

COMMIT;
