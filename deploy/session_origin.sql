-- A session shows where it was opened, when it was last used, and when its user last proved who they are
BEGIN;

ALTER TABLE session
    ADD COLUMN address inet,
    ADD COLUMN user_agent text NOT NULL DEFAULT '',
    ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN proved_at timestamptz NOT NULL DEFAULT now();

COMMIT;
