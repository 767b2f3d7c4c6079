-- Whom a provider means by its own name of somebody
BEGIN;

DROP TABLE oidc_identity;

COMMIT;
