-- Claim: cores of nodes and GiB of storages that are promised, never more than a limit
BEGIN;

CREATE TABLE capacity (
    resource text PRIMARY KEY,
    most bigint NOT NULL,
    promised bigint NOT NULL CHECK (promised >= 0),
    CONSTRAINT capacity_fits CHECK (promised <= most)
);

COMMIT;
