-- A session in which staff act as its user says so
BEGIN;

ALTER TABLE session ADD COLUMN impersonator uuid;
CREATE INDEX session_impersonated ON session (impersonator) WHERE impersonator IS NOT NULL;

COMMIT;
