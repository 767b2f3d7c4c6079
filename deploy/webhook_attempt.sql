-- Each time a message was sent, and what came back
BEGIN;

CREATE TABLE webhook_attempt (
    delivery_id uuid NOT NULL REFERENCES webhook_delivery ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    status integer,
    duration_ms integer NOT NULL,
    error text,
    answer text NOT NULL DEFAULT '',
    PRIMARY KEY (delivery_id, at)
);

COMMIT;
