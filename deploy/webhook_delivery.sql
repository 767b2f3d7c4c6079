-- A message to an endpoint: what it says, and whether it has arrived
BEGIN;

CREATE TABLE webhook_delivery (
    delivery_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    resource_id uuid NOT NULL,
    account_id uuid,
    message_id uuid NOT NULL,
    type text NOT NULL,
    tx xid8,
    pos bigint,
    part smallint NOT NULL DEFAULT 0,
    body text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    status integer,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    CHECK ((state = 'pending') = (ended_at IS NULL)),
    UNIQUE (endpoint_id, tx, pos, part)
);
CREATE INDEX webhook_delivery_waits ON webhook_delivery (endpoint_id, resource_id, tx, pos, part)
    WHERE state = 'pending';
CREATE INDEX webhook_delivery_newest ON webhook_delivery (endpoint_id, created_at DESC, delivery_id DESC);

COMMIT;
