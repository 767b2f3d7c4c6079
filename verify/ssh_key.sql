-- The public keys that users keep, to name them in orders
BEGIN;

SELECT key_id, user_id, name, public_key, fingerprint, created_at
  FROM ssh_key WHERE FALSE;

ROLLBACK;
