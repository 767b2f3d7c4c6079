-- A signed-in browser: its family of refresh tokens
BEGIN;

SELECT session_id, user_id, created_at, expires_at, ended_at
  FROM session WHERE FALSE;

ROLLBACK;
