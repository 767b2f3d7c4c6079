-- Claim: every suspension and termination that was let through for billing, for counting over all processes
BEGIN;

SELECT operation_id, at
  FROM billing_step WHERE FALSE;

ROLLBACK;
