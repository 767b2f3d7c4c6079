-- How a user proves who they are; replaced, never logged
BEGIN;

CREATE TABLE credential (
    user_id uuid PRIMARY KEY,
    scheme text NOT NULL,
    hash text NOT NULL,
    legacy_expires_at timestamptz,
    changed_at timestamptz NOT NULL DEFAULT now()
);

COMMIT;
