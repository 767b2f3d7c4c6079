-- Slots held by heavy tasks, and the queue for them; leases that are worth nothing after a crash of the database
BEGIN;

SELECT operation_id, stream_id, account_id, cluster, resources, granted, asked_at, lease_until
  FROM slot WHERE FALSE;

ROLLBACK;
