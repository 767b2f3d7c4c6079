-- Index: operations that have not ended, newest first
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'operation_view' AND indexdef LIKE '%needs_attention%';

ROLLBACK;
