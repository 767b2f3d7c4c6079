-- Personal data and free text of an event, erasable without touching the log
BEGIN;

DROP TABLE event_private;

COMMIT;
