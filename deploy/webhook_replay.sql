-- An endpoint that is told again from a position of the log, and how far that has come
BEGIN;

CREATE TABLE webhook_replay (
    endpoint_id uuid PRIMARY KEY REFERENCES webhook_endpoint ON DELETE CASCADE,
    tx xid8 NOT NULL,
    pos bigint NOT NULL,
    until_tx xid8 NOT NULL,
    until_pos bigint NOT NULL
);

COMMIT;
