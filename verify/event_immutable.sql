-- Events are never changed, deleted or truncated
BEGIN;

SELECT 1 / count(*) FROM pg_trigger WHERE tgname = 'event_immutable' AND tgrelid = 'event'::regclass;

ROLLBACK;
