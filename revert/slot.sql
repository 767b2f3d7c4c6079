-- Slots held by heavy tasks, and the queue for them; leases that are worth nothing after a crash of the database
BEGIN;

DROP TABLE slot;

COMMIT;
