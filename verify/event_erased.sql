-- Index: the streams whose personal data was erased: no import brings it back
BEGIN;

SELECT 1 / count(*) FROM pg_indexes WHERE tablename = 'event' AND indexdef LIKE '%owner_erased%';

ROLLBACK;
