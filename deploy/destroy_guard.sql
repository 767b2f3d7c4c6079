-- Observation: since when removals wait for staff, and until when staff let all of them through
BEGIN;

CREATE TABLE destroy_guard (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    tripped_at timestamptz,
    allowed_until timestamptz
);
INSERT INTO destroy_guard DEFAULT VALUES;

COMMIT;
