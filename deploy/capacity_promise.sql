-- Claim: the cores and GiB each server was promised
BEGIN;

CREATE TABLE capacity_promise (
    server_id uuid NOT NULL,
    account_id uuid NOT NULL,
    resource text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    PRIMARY KEY (server_id, resource)
);
CREATE INDEX capacity_promise_account ON capacity_promise (account_id);

COMMIT;
