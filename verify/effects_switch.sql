-- Observation: whether effects on Proxmox are paused, by whom and why
BEGIN;

SELECT 1 / count(*) FROM effects_switch;

ROLLBACK;
