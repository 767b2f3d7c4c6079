-- Index: servers by their names
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'server_view' AND indexdef LIKE '%(name, server_id%';

ROLLBACK;
