-- How a user proves who they are; replaced, never logged
BEGIN;

SELECT user_id, scheme, hash, legacy_expires_at, changed_at
  FROM credential WHERE FALSE;

ROLLBACK;
