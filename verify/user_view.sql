-- View: one row per person who can sign in
BEGIN;

SELECT user_id, version, email, role, created_at, state
  FROM user_view WHERE FALSE;

ROLLBACK;
