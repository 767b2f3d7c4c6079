-- A prefix that is a server's own as a whole, and an address within it, are never two servers' at once
BEGIN;

SELECT 1 / count(*) FROM pg_constraint
 WHERE conname = 'address_once' AND pg_get_constraintdef(oid) LIKE '%address inet_ops WITH &&%';

ROLLBACK;
