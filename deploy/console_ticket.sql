-- What opens a console once, soon after it was given
BEGIN;

CREATE TABLE console_ticket (
    ticket_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    server_id uuid NOT NULL,
    origin text,
    expires_at timestamptz NOT NULL
);
CREATE INDEX console_ticket_expiry ON console_ticket (expires_at);

COMMIT;
