-- Index: endpoints that take nothing, or were turned off by themselves
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'webhook_endpoint' AND indexdef LIKE '%disabled_why%';

ROLLBACK;
