-- Personal data and free text of an event, erasable without touching the log
BEGIN;

SELECT stream_id, version, subject_id, data
  FROM event_private WHERE FALSE;

ROLLBACK;
