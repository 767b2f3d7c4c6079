-- A message to an endpoint: what it says, and whether it has arrived
BEGIN;

SELECT delivery_id, endpoint_id, resource_id, account_id, message_id, type, tx, pos, part, body, state, attempts, status,
       created_at, ended_at
  FROM webhook_delivery WHERE FALSE;

ROLLBACK;
