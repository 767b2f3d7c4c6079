-- A token by which a program acts for a user, within scopes, networks and a time
BEGIN;

SELECT token_id, user_id, token_hash, name, scopes, networks, created_at, expires_at, last_used_at, last_used_from,
       revoked_at
  FROM api_token WHERE FALSE;

ROLLBACK;
