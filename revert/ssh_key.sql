-- The public keys that users keep, to name them in orders
BEGIN;

DROP TABLE ssh_key;

COMMIT;
