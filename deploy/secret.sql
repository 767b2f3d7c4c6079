-- What an operation must not forget and nobody may read; deleted once used
BEGIN;

CREATE TABLE secret (
    operation_id uuid PRIMARY KEY,
    data bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

COMMIT;
