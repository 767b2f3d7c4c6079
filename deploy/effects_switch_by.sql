-- The switch of effects says which user has set it; null for the command line
BEGIN;

ALTER TABLE effects_switch ADD COLUMN switched_by uuid;

COMMIT;
