-- Claim: memory promised on a node, never more than its limit
BEGIN;

DROP TABLE node_promise;

COMMIT;
