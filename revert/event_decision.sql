-- Index: what staff decided, newest first
BEGIN;

DROP INDEX event_decision;

COMMIT;
