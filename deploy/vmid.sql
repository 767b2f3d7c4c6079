-- Claim: every VMID ever promised to a server; never reused
BEGIN;

CREATE TABLE vmid (
    cluster text NOT NULL,
    vmid integer NOT NULL CHECK (vmid BETWEEN 100 AND 999999999),
    server_id uuid,
    state text NOT NULL CHECK (state IN ('owned', 'burned', 'released')),
    CONSTRAINT vmid_pkey PRIMARY KEY (cluster, vmid),
    CHECK ((state = 'burned') = (server_id IS NULL))
);
CREATE UNIQUE INDEX vmid_server ON vmid (server_id) WHERE state = 'owned';

COMMIT;
