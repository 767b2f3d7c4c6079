-- What stands in for a lost second factor, each once
BEGIN;

CREATE TABLE recovery_code (
    user_id uuid NOT NULL REFERENCES two_factor ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

COMMIT;
