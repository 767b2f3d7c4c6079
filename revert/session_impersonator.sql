-- A session in which staff act as its user says so
BEGIN;

ALTER TABLE session DROP COLUMN impersonator;

COMMIT;
