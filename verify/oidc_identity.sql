-- Whom a provider means by its own name of somebody
BEGIN;

SELECT issuer, subject, user_id, linked_at
  FROM oidc_identity WHERE FALSE;

ROLLBACK;
