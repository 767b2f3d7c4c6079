-- Which customers a billing system made or named, so that the same one is never made twice
BEGIN;

CREATE TABLE billing_customer (
    account_id uuid PRIMARY KEY,
    user_id uuid NOT NULL UNIQUE,
    external_id text UNIQUE,
    asked_by uuid NOT NULL,
    request_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

COMMIT;
