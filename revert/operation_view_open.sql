-- Index: operations that have not ended, newest first
BEGIN;

DROP INDEX operation_view_open;

COMMIT;
