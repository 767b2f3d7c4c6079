-- What stands in for a lost second factor, each once
BEGIN;

DROP TABLE recovery_code;

COMMIT;
