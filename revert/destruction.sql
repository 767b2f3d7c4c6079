-- Claim: every removal of a guest that was let through, for counting over all orchestrators
BEGIN;

DROP TABLE destruction;

COMMIT;
