-- Claim: the share of a node's memory each server was promised
BEGIN;

DROP TABLE memory_promise;

COMMIT;
