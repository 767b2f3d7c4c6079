-- Observation: when each cluster last answered, and who is looking
BEGIN;

DROP TABLE cluster_observation;

COMMIT;
