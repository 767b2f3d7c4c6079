-- What happened, once and for ever, ordered by (tx, pos)
BEGIN;

DROP TABLE event;

COMMIT;
