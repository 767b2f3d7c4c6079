-- A prefix that is a server's own as a whole, and an address within it, are never two servers' at once
BEGIN;

ALTER TABLE address DROP CONSTRAINT address_once;
ALTER TABLE address
    ADD CONSTRAINT address_once EXCLUDE USING gist (address inet_ops WITH =, during WITH &&);

COMMIT;
