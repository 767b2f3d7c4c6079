-- Claim: every suspension and termination that was let through for billing, for counting over all processes
BEGIN;

CREATE TABLE billing_step (
    operation_id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX billing_step_at ON billing_step (at);

COMMIT;
