-- One live wake per stream: when to look at it next, and who is looking
BEGIN;

SELECT stream_id, category, tx, pos, due, token, attempts, error
  FROM outbox WHERE FALSE;

ROLLBACK;
