-- Failed sign-ins by name and network, for slowing down guesses
BEGIN;

SELECT key, failures, last_at
  FROM login_attempt WHERE FALSE;

ROLLBACK;
