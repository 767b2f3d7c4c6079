-- Index: import runs, newest first
BEGIN;

CREATE INDEX event_import ON event (tx DESC, pos DESC) WHERE type = 'import.started';

COMMIT;
