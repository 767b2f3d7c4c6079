-- Claim: an e-mail address signs in one user
BEGIN;

CREATE TABLE login_name (
    email text PRIMARY KEY CHECK (email = lower(email)),
    user_id uuid NOT NULL UNIQUE
);

COMMIT;
