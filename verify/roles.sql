-- The role that can only read, for dry runs and reports
BEGIN;

SELECT 1 / count(*) FROM pg_roles WHERE rolname = 'hostler_reader';

ROLLBACK;
