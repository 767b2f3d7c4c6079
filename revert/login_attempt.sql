-- Failed sign-ins by name and network, for slowing down guesses
BEGIN;

DROP TABLE login_attempt;

COMMIT;
