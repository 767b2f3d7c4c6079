-- The role that can only read, for dry runs and reports
BEGIN;

-- The role itself stays: other databases of this cluster may use it.
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM hostler_reader;
REVOKE USAGE ON SCHEMA public FROM hostler_reader;

COMMIT;
