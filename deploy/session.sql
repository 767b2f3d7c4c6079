-- A signed-in browser: its family of refresh tokens
BEGIN;

CREATE TABLE session (
    session_id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX session_of_user ON session (user_id);

COMMIT;
