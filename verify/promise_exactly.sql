-- What is promised to a server is exactly a size
BEGIN;

SELECT 'promise_exactly(uuid, bigint, bigint, bigint)'::regprocedure;

ROLLBACK;
