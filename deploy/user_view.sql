-- View: one row per person who can sign in
BEGIN;

CREATE TABLE user_view (
    user_id uuid PRIMARY KEY,
    version integer NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    created_at timestamptz NOT NULL,
    state json NOT NULL
);

COMMIT;
