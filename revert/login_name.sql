-- Claim: an e-mail address signs in one user
BEGIN;

DROP TABLE login_name;

COMMIT;
