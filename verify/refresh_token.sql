-- One use of a session's right to a new access token
BEGIN;

SELECT token_hash, session_id, issued_at, replaced_at, successor
  FROM refresh_token WHERE FALSE;

ROLLBACK;
