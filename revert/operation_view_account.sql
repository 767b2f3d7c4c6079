-- Index: an account's operations, newest first
BEGIN;

DROP INDEX operation_view_account;

COMMIT;
