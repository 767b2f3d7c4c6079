-- Claim: who has had an address, and from when until when
BEGIN;

CREATE TABLE address (
    address inet NOT NULL,
    server_id uuid NOT NULL,
    during tstzrange NOT NULL,
    CONSTRAINT address_once EXCLUDE USING gist (address inet_ops WITH =, during WITH &&)
);
CREATE INDEX address_server ON address (server_id);

COMMIT;
