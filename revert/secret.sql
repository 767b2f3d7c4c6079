-- What an operation must not forget and nobody may read; deleted once used
BEGIN;

DROP TABLE secret;

COMMIT;
