-- Index: what changed of a cluster's servers since the last look at it
BEGIN;

DROP INDEX server_view_changes;

COMMIT;
