-- View: one row per account
BEGIN;

CREATE TABLE account_view (
    account_id uuid PRIMARY KEY,
    version integer NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    state json NOT NULL
);

COMMIT;
