-- Claim: every removal of a guest that was let through, for counting over all orchestrators
BEGIN;

SELECT operation_id, at FROM destruction WHERE false;

ROLLBACK;
