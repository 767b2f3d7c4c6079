-- Claim: every VMID ever promised to a server; never reused
BEGIN;

DROP TABLE vmid;

COMMIT;
