-- Index: users, newest first
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'user_view' AND indexdef LIKE '%(created_at DESC, user_id%';

ROLLBACK;
