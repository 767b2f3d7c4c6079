-- Index: what changed of a cluster's servers since the last look at it
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'server_view' AND indexdef LIKE '%(cluster, updated_at)%';

ROLLBACK;
