-- The second factor of a user: a sealed TOTP secret, and the last time step that was used
BEGIN;

DROP TABLE two_factor;

COMMIT;
