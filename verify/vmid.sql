-- Claim: every VMID ever promised to a server; never reused
BEGIN;

SELECT cluster, vmid, server_id, state
  FROM vmid WHERE FALSE;

ROLLBACK;
