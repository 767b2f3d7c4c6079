-- Observation: since when suspensions and terminations of billing wait for staff, and until when all are let through
BEGIN;

DROP TABLE billing_guard;

COMMIT;
