-- The switch of effects says which user has set it; null for the command line
BEGIN;

SELECT switched_by FROM effects_switch WHERE FALSE;

ROLLBACK;
