-- Who was invited to act for an account, as what, and what opens the invitation
BEGIN;

DROP TABLE invitation;

COMMIT;
