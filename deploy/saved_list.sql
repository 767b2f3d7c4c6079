-- How users want to see the list of servers again, by names of their own
BEGIN;

CREATE TABLE saved_list (
    view_id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('own', 'all')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT saved_list_once UNIQUE (user_id, name)
);

COMMIT;
