-- name: now
-- The database's clock: the only one times are compared with.
SELECT clock_timestamp();

-- name: hindrances
-- Whether effects on Proxmox are switched off, and whether a node is under maintenance: the reasons, null for no.
-- $1 cluster, $2 node
SELECT (SELECT coalesce(reason, '') FROM effects_switch WHERE paused) AS paused,
       (SELECT min(reason) FROM maintenance WHERE cluster = $1 AND node IN ('', $2)) AS maintenance;

-- name: secret
-- What an operation must not forget. $1 operation
SELECT data FROM secret WHERE operation_id = $1;

-- name: forget_secret
-- It has been used. $1 operation
DELETE FROM secret WHERE operation_id = $1;

-- name: highest_vmid
-- The highest VMID ever promised in a cluster's range. $1 cluster, $2 first, $3 last
SELECT max(vmid) FROM vmid WHERE cluster = $1 AND vmid BETWEEN $2 AND $3;

-- name: own_vmid
-- Promise a VMID to a server. $1 cluster, $2 vmid, $3 server
INSERT INTO vmid (cluster, vmid, server_id, state) VALUES ($1, $2, $3, 'owned');

-- name: burn_vmid
-- A stranger has this VMID: it is never given to anybody. $1 cluster, $2 vmid
INSERT INTO vmid (cluster, vmid, server_id, state) VALUES ($1, $2, NULL, 'burned')
ON CONFLICT (cluster, vmid) DO UPDATE SET server_id = NULL, state = 'burned';

-- name: release_vmid
-- The guest is gone; its VMID is never used again. $1 server
UPDATE vmid SET state = 'released' WHERE server_id = $1 AND state = 'owned';

-- name: owned_vmids
-- The VMIDs whose guests' memory is promised by Hostler. $1 cluster
SELECT v.vmid FROM vmid v JOIN memory_promise m ON m.server_id = v.server_id
 WHERE v.cluster = $1 AND v.state = 'owned';

-- name: taken_addresses
-- Addresses in a range that somebody has now. $1 first, $2 last
SELECT host(address) AS address FROM address WHERE address BETWEEN $1::inet AND $2::inet AND upper_inf(during);

-- name: claim_address
-- Promise an address from now on. $1 address, $2 server
INSERT INTO address (address, server_id, during) VALUES ($1::inet, $2, tstzrange(clock_timestamp(), NULL));

-- name: release_addresses
-- The server's addresses are free from now on. $1 server
UPDATE address SET during = tstzrange(lower(during), clock_timestamp())
 WHERE server_id = $1 AND upper_inf(during);

-- name: promises
-- Memory promised on each node. $1 cluster
SELECT node, promised_mib FROM node_promise WHERE cluster = $1;

-- name: promise_memory
-- Promise memory on a node, within its limit. $1 cluster, $2 node, $3 limit, $4 MiB, $5 server
WITH kept AS (
    INSERT INTO memory_promise (server_id, cluster, node, memory_mib) VALUES ($5, $1, $2, $4)
)
INSERT INTO node_promise (cluster, node, limit_mib, promised_mib) VALUES ($1, $2, $3, $4)
ON CONFLICT (cluster, node) DO UPDATE
   SET limit_mib = greatest(EXCLUDED.limit_mib, node_promise.promised_mib),
       promised_mib = node_promise.promised_mib + EXCLUDED.promised_mib;

-- name: release_memory
-- The server's share is free again. $1 server
WITH gone AS (
    DELETE FROM memory_promise WHERE server_id = $1 RETURNING cluster, node, memory_mib
)
UPDATE node_promise n SET promised_mib = n.promised_mib - gone.memory_mib
  FROM gone WHERE n.cluster = gone.cluster AND n.node = gone.node;

-- name: name_operation
-- Which stream a new operation belongs to. $1 operation, $2 stream
INSERT INTO operation_stream (operation_id, stream_id) VALUES ($1, $2);

-- name: lease_cluster
-- Become the one who looks at a cluster. $1 cluster, $2 token, $3 seconds
INSERT INTO cluster_observation (cluster, token, lease_until)
VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (cluster) DO UPDATE
   SET token = EXCLUDED.token, lease_until = EXCLUDED.lease_until
 WHERE cluster_observation.token = EXCLUDED.token OR cluster_observation.lease_until IS NULL
    OR cluster_observation.lease_until < now()
RETURNING cluster;

-- name: saw_cluster
-- The cluster answered. $1 cluster, $2 token
UPDATE cluster_observation
   SET changed_at = CASE WHEN reachable IS NOT TRUE THEN now() ELSE changed_at END,
       reachable = true, observed_at = now(), error = NULL
 WHERE cluster = $1 AND token = $2;

-- name: missed_cluster
-- The cluster did not answer. $1 cluster, $2 token, $3 error
UPDATE cluster_observation
   SET changed_at = CASE WHEN reachable IS NOT FALSE THEN now() ELSE changed_at END,
       reachable = false, error = $3
 WHERE cluster = $1 AND token = $2;

-- name: guests_in_views
-- What the views say of a cluster's guests. $1 cluster
SELECT server_id, vmid, power, state->>'node' AS node FROM server_view
 WHERE cluster = $1 AND status NOT IN ('terminated', 'unlinked', 'provisioning', 'failed');

-- name: lock_destroy_guard
-- One at a time: the next statement sees every removal that was let through before.
SELECT FROM destroy_guard FOR UPDATE;

-- name: let_destroy
-- Let a removal through: again, or while fewer than the limit were in the window, or while staff allow all of them.
-- $1 operation, $2 window in seconds, $3 limit
WITH known AS (
    SELECT FROM destruction WHERE operation_id = $1
), recent AS (
    SELECT count(*) AS n FROM destruction WHERE at > clock_timestamp() - make_interval(secs => $2)
), let AS (
    INSERT INTO destruction (operation_id)
    SELECT $1 FROM destroy_guard, recent
     WHERE NOT EXISTS (SELECT FROM known)
       AND (allowed_until > clock_timestamp() OR (tripped_at IS NULL AND n < $3))
    RETURNING operation_id
)
SELECT EXISTS (SELECT FROM known) OR EXISTS (SELECT FROM let);

-- name: trip_destroy_guard
-- From now on removals wait for staff.
UPDATE destroy_guard SET tripped_at = coalesce(tripped_at, clock_timestamp());
