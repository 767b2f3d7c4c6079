-- View: one row per server, folded from its stream
BEGIN;

SELECT server_id, account_id, version, name, status, cluster, vmid, power, search, created_at, updated_at, state
  FROM server_view WHERE FALSE;

ROLLBACK;
