-- Index: everybody's operations, newest first
BEGIN;

DROP INDEX operation_view_newest;

COMMIT;
