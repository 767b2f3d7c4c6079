-- The keys of access tokens: one signs and is kept sealed; of those it replaced only the public part is left
BEGIN;

DROP TABLE signing_key;

COMMIT;
