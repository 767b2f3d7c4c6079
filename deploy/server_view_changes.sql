-- Index: what changed of a cluster's servers since the last look at it
BEGIN;

CREATE INDEX server_view_changes ON server_view (cluster, updated_at);

COMMIT;
