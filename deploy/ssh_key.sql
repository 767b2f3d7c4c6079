-- The public keys that users keep, to name them in orders
BEGIN;

CREATE TABLE ssh_key (
    key_id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    name text NOT NULL,
    public_key text NOT NULL,
    fingerprint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ssh_key_once UNIQUE (user_id, fingerprint)
);

COMMIT;
