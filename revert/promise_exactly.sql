-- What is promised to a server is exactly a size
BEGIN;

DROP FUNCTION promise_exactly(uuid, bigint, bigint, bigint);

COMMIT;
