-- Claim: an e-mail address signs in one user
BEGIN;

SELECT email, user_id
  FROM login_name WHERE FALSE;

ROLLBACK;
