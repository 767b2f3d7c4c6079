-- View: one row per operation of a server
BEGIN;

CREATE TABLE operation_view (
    operation_id uuid PRIMARY KEY,
    server_id uuid NOT NULL,
    account_id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    state json NOT NULL
);
CREATE INDEX operation_view_server ON operation_view (server_id, created_at DESC, operation_id DESC);

COMMIT;
