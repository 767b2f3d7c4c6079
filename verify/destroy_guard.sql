-- Observation: since when removals wait for staff, and until when staff let all of them through
BEGIN;

SELECT 1 / count(*) FROM destroy_guard;

ROLLBACK;
