-- One live wake per stream: when to look at it next, and who is looking
BEGIN;

DROP TABLE outbox;

COMMIT;
