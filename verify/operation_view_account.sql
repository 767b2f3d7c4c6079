-- Index: an account's operations, newest first
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'operation_view' AND indexdef LIKE '%(account_id, created_at%';

ROLLBACK;
