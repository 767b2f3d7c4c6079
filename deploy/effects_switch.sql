-- Observation: whether effects on Proxmox are paused, by whom and why
BEGIN;

CREATE TABLE effects_switch (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    paused boolean NOT NULL DEFAULT false,
    reason text,
    at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO effects_switch DEFAULT VALUES;

COMMIT;
