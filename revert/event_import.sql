-- Index: import runs, newest first
BEGIN;

DROP INDEX event_import;

COMMIT;
