-- Claim: the share of a node's memory each server was promised
BEGIN;

SELECT server_id, cluster, node, memory_mib
  FROM memory_promise WHERE FALSE;

ROLLBACK;
