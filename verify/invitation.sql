-- Who was invited to act for an account, as what, and what opens the invitation
BEGIN;

SELECT invitation_id, account_id, email, role, token_hash, invited_by, by_staff, created_at, expires_at, ended_at
  FROM invitation WHERE FALSE;

ROLLBACK;
