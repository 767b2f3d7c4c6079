-- One live wake per stream: when to look at it next, and who is looking
BEGIN;

CREATE TABLE outbox (
    stream_id uuid PRIMARY KEY,
    category text NOT NULL,
    tx xid8 NOT NULL,
    pos bigint NOT NULL,
    due timestamptz NOT NULL,
    token uuid,
    attempts integer NOT NULL DEFAULT 0,
    error text
) WITH (fillfactor = 70, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX outbox_due ON outbox (due, stream_id);

COMMIT;
