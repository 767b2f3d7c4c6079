-- One row for each endpoint and server with messages that wait: they go one after the other
BEGIN;

SELECT endpoint_id, resource_id, told, due_at, token, attempts, since
  FROM webhook_lane WHERE FALSE;

ROLLBACK;
