-- Observation: since when suspensions and terminations of billing wait for staff, and until when all are let through
BEGIN;

SELECT single, tripped_at, allowed_until
  FROM billing_guard WHERE FALSE;

ROLLBACK;
