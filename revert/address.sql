-- Claim: who has had an address, and from when until when
BEGIN;

DROP TABLE address;

COMMIT;
