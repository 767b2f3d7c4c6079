-- Claim: every suspension and termination that was let through for billing, for counting over all processes
BEGIN;

DROP TABLE billing_step;

COMMIT;
