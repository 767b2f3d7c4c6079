-- A message to an endpoint: what it says, and whether it has arrived
BEGIN;

DROP TABLE webhook_delivery;

COMMIT;
