-- Each time a message was sent, and what came back
BEGIN;

SELECT delivery_id, at, status, duration_ms, error, answer
  FROM webhook_attempt WHERE FALSE;

ROLLBACK;
