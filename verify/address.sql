-- Claim: who has had an address, and from when until when
BEGIN;

SELECT address, server_id, during
  FROM address WHERE FALSE;

ROLLBACK;
