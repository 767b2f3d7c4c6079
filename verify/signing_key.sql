-- The keys of access tokens: one signs and is kept sealed; of those it replaced only the public part is left
BEGIN;

SELECT kid, public, sealed, created_at, ends_at FROM signing_key WHERE FALSE;

ROLLBACK;
