-- Claim: the stored answer of a request that may be sent twice
BEGIN;

SELECT user_id, key, fingerprint, status, headers, body, at
  FROM idempotency_key WHERE FALSE;

ROLLBACK;
