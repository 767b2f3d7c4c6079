-- Observation: when each cluster last answered, and who is looking
BEGIN;

SELECT cluster, reachable, observed_at, changed_at, error, token, lease_until
  FROM cluster_observation WHERE FALSE;

ROLLBACK;
