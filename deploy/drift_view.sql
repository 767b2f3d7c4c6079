-- View: how guests are not as the log says, one row per server and kind
BEGIN;

CREATE TABLE drift_view (
    server_id uuid NOT NULL,
    kind text NOT NULL,
    cluster text,
    vmid integer,
    detail text NOT NULL,
    since timestamptz NOT NULL,
    ignored boolean NOT NULL,
    facts json NOT NULL,
    PRIMARY KEY (server_id, kind)
);
CREATE INDEX drift_view_since ON drift_view (since DESC, server_id, kind);

COMMIT;
