-- One row for each endpoint and server with messages that wait: they go one after the other
BEGIN;

DROP TABLE webhook_lane;

COMMIT;
