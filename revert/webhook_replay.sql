-- An endpoint that is told again from a position of the log, and how far that has come
BEGIN;

DROP TABLE webhook_replay;

COMMIT;
