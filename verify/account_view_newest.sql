-- Index: accounts, newest first
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'account_view' AND indexdef LIKE '%(created_at DESC, account_id%';

ROLLBACK;
