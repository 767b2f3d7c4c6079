-- A letter that waits to be sent, sealed until it is; then only that it was
BEGIN;

CREATE TABLE letter (
    letter_id uuid PRIMARY KEY,
    kind text NOT NULL,
    sealed bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    gave_up_at timestamptz,
    error text
);
CREATE INDEX letter_due ON letter (due_at) WHERE sealed IS NOT NULL;

COMMIT;
