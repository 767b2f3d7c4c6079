-- Observation: the nodes of each cluster as they were last seen, with what of each may be promised and which images are there
BEGIN;

CREATE TABLE node_sight (
    cluster text NOT NULL,
    node text NOT NULL,
    online boolean NOT NULL,
    memory_mib bigint NOT NULL,
    vcpus bigint,
    disk_gib bigint,
    disk_free_gib bigint,
    disk_resource text,
    images json NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (cluster, node)
);

COMMIT;
