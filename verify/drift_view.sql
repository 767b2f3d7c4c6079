-- View: how guests are not as the log says, one row per server and kind
BEGIN;

SELECT server_id, kind, cluster, vmid, detail, since, ignored, facts FROM drift_view WHERE false;

ROLLBACK;
