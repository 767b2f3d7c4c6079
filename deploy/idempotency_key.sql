-- Claim: the stored answer of a request that may be sent twice
BEGIN;

CREATE TABLE idempotency_key (
    user_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    headers json NOT NULL,
    body text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_key_pkey PRIMARY KEY (user_id, key)
);

COMMIT;
