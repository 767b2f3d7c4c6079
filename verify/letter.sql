-- A letter that waits to be sent, sealed until it is; then only that it was
BEGIN;

SELECT letter_id, kind, sealed, created_at, due_at, attempts, sent_at, gave_up_at, error
  FROM letter WHERE FALSE;

ROLLBACK;
