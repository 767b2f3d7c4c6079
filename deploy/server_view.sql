-- View: one row per server, folded from its stream
BEGIN;

CREATE TABLE server_view (
    server_id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    cluster text,
    vmid integer,
    power text,
    search text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    state json NOT NULL
);
CREATE INDEX server_view_account ON server_view (account_id, created_at DESC, server_id DESC);
CREATE INDEX server_view_created ON server_view (created_at DESC, server_id DESC);
CREATE INDEX server_view_guest ON server_view (cluster, vmid);

COMMIT;
