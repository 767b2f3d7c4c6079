-- Index: everybody's operations, newest first
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'operation_view' AND indexdef LIKE '%(created_at DESC, operation_id%';

ROLLBACK;
