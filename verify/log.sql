-- The identity of this log: positions of another log are refused
BEGIN;

SELECT 1 / count(log_id) FROM log;

ROLLBACK;
