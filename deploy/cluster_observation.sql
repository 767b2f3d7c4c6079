-- Observation: when each cluster last answered, and who is looking
BEGIN;

CREATE TABLE cluster_observation (
    cluster text PRIMARY KEY,
    reachable boolean,
    observed_at timestamptz,
    changed_at timestamptz,
    error text,
    token uuid,
    lease_until timestamptz
);

COMMIT;
