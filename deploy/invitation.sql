-- Who was invited to act for an account, as what, and what opens the invitation
BEGIN;

CREATE TABLE invitation (
    invitation_id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    invited_by uuid NOT NULL,
    by_staff boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX invitation_open ON invitation (account_id, email) WHERE ended_at IS NULL;

COMMIT;
