-- An endpoint that is told again from a position of the log, and how far that has come
BEGIN;

SELECT endpoint_id, tx, pos, until_tx, until_pos
  FROM webhook_replay WHERE FALSE;

ROLLBACK;
