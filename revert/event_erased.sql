-- Index: the streams whose personal data was erased: no import brings it back
BEGIN;

DROP INDEX event_erased;

COMMIT;
