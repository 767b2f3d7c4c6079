-- Observation: the nodes of each cluster as they were last seen, with what of each may be promised and which images are there
BEGIN;

DROP TABLE node_sight;

COMMIT;
