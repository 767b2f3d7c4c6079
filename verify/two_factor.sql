-- The second factor of a user: a sealed TOTP secret, and the last time step that was used
BEGIN;

SELECT user_id, secret, created_at, confirmed_at, last_step
  FROM two_factor WHERE FALSE;

ROLLBACK;
