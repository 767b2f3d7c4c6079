-- The identity of this log: positions of another log are refused
BEGIN;

CREATE TABLE log (
    log_id uuid PRIMARY KEY,
    single boolean NOT NULL DEFAULT true UNIQUE CHECK (single),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO log (log_id) VALUES (gen_random_uuid());

COMMIT;
