-- One use of a session's right to a new access token
BEGIN;

CREATE TABLE refresh_token (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
    issued_at timestamptz NOT NULL DEFAULT now(),
    replaced_at timestamptz,
    successor bytea
);
CREATE INDEX refresh_token_session ON refresh_token (session_id);

COMMIT;
