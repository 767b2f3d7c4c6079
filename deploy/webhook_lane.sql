-- One row for each endpoint and server with messages that wait: they go one after the other
BEGIN;

CREATE TABLE webhook_lane (
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    resource_id uuid NOT NULL,
    told bigint NOT NULL DEFAULT 1,
    due_at timestamptz NOT NULL DEFAULT now(),
    token uuid,
    attempts integer NOT NULL DEFAULT 0,
    since timestamptz,
    PRIMARY KEY (endpoint_id, resource_id)
);
CREATE INDEX webhook_lane_due ON webhook_lane (due_at);

COMMIT;
