-- Claim: what is under maintenance; the node '' stands for the whole cluster
BEGIN;

SELECT cluster, node, reason
  FROM maintenance WHERE FALSE;

ROLLBACK;
