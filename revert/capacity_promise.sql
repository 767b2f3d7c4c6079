-- Claim: the cores and GiB each server was promised
BEGIN;

DROP TABLE capacity_promise;

COMMIT;
