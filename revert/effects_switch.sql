-- Observation: whether effects on Proxmox are paused, by whom and why
BEGIN;

DROP TABLE effects_switch;

COMMIT;
