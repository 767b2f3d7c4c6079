-- Index: what staff decided, newest first
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'event' AND indexdef LIKE '%installation.restored%';

ROLLBACK;
