-- What a link in a letter opens, once, for a time
BEGIN;

SELECT token_hash, purpose, user_id, created_at, expires_at, used_at
  FROM one_time_link WHERE FALSE;

ROLLBACK;
