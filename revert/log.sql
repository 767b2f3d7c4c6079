-- The identity of this log: positions of another log are refused
BEGIN;

DROP TABLE log;

COMMIT;
