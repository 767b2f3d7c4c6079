-- Claim: memory promised on a node, never more than its limit
BEGIN;

SELECT cluster, node, limit_mib, promised_mib
  FROM node_promise WHERE FALSE;

ROLLBACK;
