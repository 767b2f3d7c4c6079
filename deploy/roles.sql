-- The role that can only read, for dry runs and reports
BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hostler_reader') THEN
        CREATE ROLE hostler_reader NOLOGIN;
    END IF;
    -- Silent when it is granted already.
    SET LOCAL client_min_messages = warning;
    EXECUTE format('GRANT hostler_reader TO %I', current_user);
EXCEPTION
    -- Roles belong to the whole cluster: two databases may be migrated at the same moment.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
GRANT USAGE ON SCHEMA public TO hostler_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO hostler_reader;

COMMIT;
