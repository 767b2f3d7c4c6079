-- Claim: what is under maintenance; the node '' stands for the whole cluster
BEGIN;

DROP TABLE maintenance;

COMMIT;
