-- Observation: since when suspensions and terminations of billing wait for staff, and until when all are let through
BEGIN;

CREATE TABLE billing_guard (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    tripped_at timestamptz,
    allowed_until timestamptz
);

COMMIT;
