-- A letter that waits to be sent, sealed until it is; then only that it was
BEGIN;

DROP TABLE letter;

COMMIT;
