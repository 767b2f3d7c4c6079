-- A token by which a program acts for a user, within scopes, networks and a time
BEGIN;

CREATE TABLE api_token (
    token_id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES credential ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE,
    name text NOT NULL,
    scopes text[] NOT NULL,
    networks cidr[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    last_used_from inet,
    revoked_at timestamptz
);
CREATE INDEX api_token_of_user ON api_token (user_id);

COMMIT;
