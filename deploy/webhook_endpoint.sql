-- Where an account, or all of staff, is told by HTTP of what happens, and what it is signed with
BEGIN;

CREATE TABLE webhook_endpoint (
    endpoint_id uuid PRIMARY KEY,
    account_id uuid,
    url text NOT NULL,
    description text NOT NULL DEFAULT '',
    events text[] NOT NULL,
    secret bytea NOT NULL,
    old_secret bytea,
    old_until timestamptz,
    enabled boolean NOT NULL DEFAULT true,
    disabled_why text,
    failing_since timestamptz,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_endpoint_account ON webhook_endpoint (account_id);

COMMIT;
