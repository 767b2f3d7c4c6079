-- Claim: which stream an imported row became; a row is imported once
BEGIN;

DROP TABLE source_key;

COMMIT;
