-- Failed sign-ins by name and network, for slowing down guesses
BEGIN;

CREATE TABLE login_attempt (
    key text PRIMARY KEY,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL
);

COMMIT;
