-- Observation: since when removals wait for staff, and until when staff let all of them through
BEGIN;

DROP TABLE destroy_guard;

COMMIT;
