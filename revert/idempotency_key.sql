-- Claim: the stored answer of a request that may be sent twice
BEGIN;

DROP TABLE idempotency_key;

COMMIT;
