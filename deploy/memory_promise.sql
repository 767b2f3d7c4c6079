-- Claim: the share of a node's memory each server was promised
BEGIN;

CREATE TABLE memory_promise (
    server_id uuid PRIMARY KEY,
    cluster text NOT NULL,
    node text NOT NULL,
    memory_mib bigint NOT NULL CHECK (memory_mib > 0)
);

COMMIT;
