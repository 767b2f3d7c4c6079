-- The second factor of a user: a sealed TOTP secret, and the last time step that was used
BEGIN;

CREATE TABLE two_factor (
    user_id uuid PRIMARY KEY REFERENCES credential ON DELETE CASCADE,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    last_step bigint NOT NULL DEFAULT 0
);

COMMIT;
