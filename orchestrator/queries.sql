-- name: now
-- The database's clock: the only one times are compared with.
SELECT clock_timestamp();

-- name: hindrances
-- Whether effects on Proxmox are switched off, and whether a node is under maintenance: the reasons, null for no; and
-- the cluster's mode where staff have switched it.
-- $1 cluster, $2 node
SELECT (SELECT coalesce(reason, '') FROM effects_switch WHERE paused) AS paused,
       (SELECT min(reason) FROM maintenance WHERE cluster = $1 AND node IN ('', $2)) AS maintenance,
       (SELECT mode FROM cluster_mode WHERE cluster = $1) AS mode;

-- name: cluster_modes
-- The clusters that staff have switched. $1 their names
SELECT cluster, mode FROM cluster_mode WHERE cluster = ANY ($1::text[]);

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
-- A stranger has this VMID: it is never given to anybody. What another server was promised meanwhile stays its own.
-- $1 cluster, $2 vmid, $3 the server that wanted it
INSERT INTO vmid (cluster, vmid, server_id, state) VALUES ($1, $2, NULL, 'burned')
ON CONFLICT (cluster, vmid) DO UPDATE SET server_id = NULL, state = 'burned' WHERE vmid.server_id = $3;

-- name: release_vmid
-- The guest is gone; its VMID is never used again. $1 server
UPDATE vmid SET state = 'released' WHERE server_id = $1 AND state = 'owned';

-- name: owned_vmids
-- The VMIDs whose guests' memory is promised by Hostler. $1 cluster
SELECT v.vmid FROM vmid v JOIN memory_promise m ON m.server_id = v.server_id
 WHERE v.cluster = $1 AND v.state = 'owned';

-- name: taken_addresses
-- Addresses and prefixes in networks that somebody has now or had so lately that they rest. $1 networks, $2 seconds
SELECT abbrev(address) AS address FROM address
 WHERE address && ANY ($1::inet[])
   AND (upper_inf(during) OR upper(during) > clock_timestamp() - make_interval(secs => $2));

-- name: claim_address
-- Promise an address from now on. $1 address, $2 server
INSERT INTO address (address, server_id, during) VALUES ($1::inet, $2, tstzrange(clock_timestamp(), NULL));

-- name: release_addresses
-- The server's addresses are free from now on. $1 server
UPDATE address SET during = tstzrange(lower(during), clock_timestamp())
 WHERE server_id = $1 AND upper_inf(during);

-- name: ours
-- VMIDs of guests that are Hostler's. $1 cluster
SELECT vmid FROM vmid WHERE cluster = $1 AND state = 'owned';

-- name: maintained
-- What of a cluster is under maintenance; '' is the whole of it. $1 cluster
SELECT node FROM maintenance WHERE cluster = $1;

-- name: capacity
-- What is promised of a cluster's cores and storages. $1 cluster
SELECT resource, promised FROM capacity WHERE split_part(resource, '/', 2) = $1;

-- name: siblings
-- How many servers of an account were placed on each node. $1 account
SELECT resource, count(*) AS servers FROM capacity_promise
 WHERE account_id = $1 AND resource LIKE 'cpu/%' GROUP BY resource;

-- name: promise_capacity
-- Promise cores or GiB, within a limit. $1 server, $2 account, $3 resource, $4 limit, $5 amount
WITH kept AS (
    INSERT INTO capacity_promise (server_id, account_id, resource, amount) VALUES ($1, $2, $3, $5)
)
INSERT INTO capacity (resource, most, promised) VALUES ($3, $4, $5)
ON CONFLICT (resource) DO UPDATE
   SET most = greatest(EXCLUDED.most, capacity.promised), promised = capacity.promised + EXCLUDED.promised;

-- name: release_capacity
-- The server's cores and GiB are free again. $1 server
WITH gone AS (
    DELETE FROM capacity_promise WHERE server_id = $1 RETURNING resource, amount
)
UPDATE capacity c SET promised = c.promised - gone.amount FROM gone WHERE c.resource = gone.resource;

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

-- name: promise_found_memory
-- Promise the memory of a guest that was there already, limit or not. $1 cluster, $2 node, $3 limit, $4 MiB, $5 server
WITH kept AS (
    INSERT INTO memory_promise (server_id, cluster, node, memory_mib) VALUES ($5, $1, $2, $4)
)
INSERT INTO node_promise (cluster, node, limit_mib, promised_mib) VALUES ($1, $2, greatest($3, $4), $4)
ON CONFLICT (cluster, node) DO UPDATE
   SET limit_mib = greatest($3, node_promise.promised_mib + EXCLUDED.promised_mib),
       promised_mib = node_promise.promised_mib + EXCLUDED.promised_mib;

-- name: promise_found_capacity
-- Promise cores or GiB that a guest has already, limit or not. $1 server, $2 account, $3 resource, $4 amount
WITH kept AS (
    INSERT INTO capacity_promise (server_id, account_id, resource, amount) VALUES ($1, $2, $3, $4)
)
INSERT INTO capacity (resource, most, promised) VALUES ($3, $4, $4)
ON CONFLICT (resource) DO UPDATE
   SET most = greatest(capacity.most, capacity.promised + EXCLUDED.promised),
       promised = capacity.promised + EXCLUDED.promised;

-- name: move_memory
-- The guest is on another node, and so is what it was promised, limit or not. $1 server, $2 node, $3 its limit
WITH was AS (
    SELECT server_id, cluster, node, memory_mib FROM memory_promise WHERE server_id = $1 AND node <> $2 FOR UPDATE
), kept AS (
    UPDATE memory_promise m SET node = $2 FROM was WHERE m.server_id = was.server_id
), gone AS (
    UPDATE node_promise n SET promised_mib = n.promised_mib - was.memory_mib
      FROM was WHERE n.cluster = was.cluster AND n.node = was.node
)
INSERT INTO node_promise (cluster, node, limit_mib, promised_mib)
SELECT cluster, $2, greatest($3, memory_mib), memory_mib FROM was
ON CONFLICT (cluster, node) DO UPDATE
   SET limit_mib = greatest($3, node_promise.promised_mib + EXCLUDED.promised_mib),
       promised_mib = node_promise.promised_mib + EXCLUDED.promised_mib;

-- name: move_capacity
-- The same for cores, and for GiB on storages of the nodes' own. $1 server, $2 node
WITH was AS (
    SELECT resource, amount, regexp_replace(resource, '[^/]+$', $2) AS wanted FROM capacity_promise
     WHERE server_id = $1 AND resource ~ '^(cpu/[^/]+|disk/[^/]+/[^/]+)/[^/]+$'
       AND resource <> regexp_replace(resource, '[^/]+$', $2) FOR UPDATE
), kept AS (
    UPDATE capacity_promise p SET resource = was.wanted
      FROM was WHERE p.server_id = $1 AND p.resource = was.resource
), gone AS (
    UPDATE capacity c SET promised = c.promised - was.amount FROM was WHERE c.resource = was.resource
)
INSERT INTO capacity (resource, most, promised) SELECT wanted, amount, amount FROM was
ON CONFLICT (resource) DO UPDATE
   SET most = greatest(capacity.most, capacity.promised + EXCLUDED.promised),
       promised = capacity.promised + EXCLUDED.promised;

-- name: lock_slots
-- Slots of a cluster are handed out one after the other. The disk is not waited for: what a crash forgets is taken back
-- by whoever looks at a task, or runs out. $1 cluster
SELECT pg_advisory_xact_lock(hashtext('slots'), hashtext($1)), set_config('synchronous_commit', 'off', true);

-- name: queue_again
-- An operation asks again: whether its slot is granted, and if not, whether somebody's turn may have come meanwhile.
-- $1 operation, $2 lease of a slot, $3 of a place in the queue
UPDATE slot SET lease_until = clock_timestamp() + make_interval(secs => CASE WHEN granted THEN $2::float8 ELSE $3 END)
 WHERE operation_id = $1
RETURNING granted,
          EXISTS (SELECT FROM slot s WHERE s.cluster = slot.cluster AND s.lease_until < clock_timestamp()) AS turn;

-- name: take_free_slot
-- A slot at once, where nobody waits and each resource has one left; a row back: it is the operation's.
-- $1 operation, $2 server, $3 account, $4 cluster, $5 resources, $6 their ceilings, $7 lease
INSERT INTO slot (operation_id, stream_id, account_id, cluster, resources, granted, lease_until)
SELECT $1, $2, $3, $4, $5::text[], true, clock_timestamp() + make_interval(secs => $7)
 WHERE NOT EXISTS (SELECT FROM slot WHERE cluster = $4 AND NOT granted)
   AND NOT EXISTS (
       SELECT FROM unnest($5::text[], $6::int[]) AS r (resource, ceiling) LEFT JOIN slot_limit l USING (resource)
        WHERE (SELECT count(*) FROM slot s WHERE s.cluster = $4 AND s.granted AND r.resource = ANY (s.resources))
              >= least(r.ceiling, floor(coalesce(l.allowed, r.ceiling))))
ON CONFLICT (operation_id) DO NOTHING
RETURNING operation_id;

-- name: queue
-- A place in the queue, kept from before. $1 operation, $2 server, $3 account, $4 cluster, $5 resources, $6 lease
INSERT INTO slot (operation_id, stream_id, account_id, cluster, resources, lease_until)
VALUES ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))
ON CONFLICT (operation_id) DO NOTHING;

-- name: keep_slot
-- Somebody looks at the task. $1 operation, $2 server, $3 account, $4 cluster, $5 resources, $6 lease
INSERT INTO slot (operation_id, stream_id, account_id, cluster, resources, granted, lease_until)
VALUES ($1, $2, $3, $4, $5, true, clock_timestamp() + make_interval(secs => $6))
ON CONFLICT (operation_id) DO UPDATE SET granted = true, lease_until = EXCLUDED.lease_until
 WHERE slot.lease_until < EXCLUDED.lease_until - interval '10 seconds';

-- name: give_back_slot
-- An operation's slot, or its place in the queue, is another's, and so are those that nobody keeps any more: whether it
-- had one, and whether somebody waits. $1 operation, $2 cluster
WITH gone AS (
    DELETE FROM slot WHERE operation_id = $1 RETURNING operation_id
), expired AS (
    DELETE FROM slot WHERE cluster = $2 AND operation_id <> $1 AND lease_until < clock_timestamp()
)
SELECT EXISTS (SELECT FROM gone) AS had,
       EXISTS (SELECT FROM slot WHERE cluster = $2 AND operation_id <> $1 AND NOT granted) AS waiting;

-- name: drop_expired_slots
-- Slots and places in the queue that nobody keeps any more. $1 cluster
DELETE FROM slot WHERE cluster = $1 AND lease_until < clock_timestamp();

-- name: heads
-- The longest waiting of each customer for each set of resources. $1 cluster
SELECT DISTINCT ON (account_id, resources) operation_id, account_id, resources, asked_at
  FROM slot WHERE cluster = $1 AND NOT granted
 ORDER BY account_id, resources, asked_at, operation_id;

-- name: slot_counts
-- How many slots of each resource are held, and how many were learned to be good. $1 cluster, $2 resources
SELECT r.resource, coalesce(l.allowed, 'infinity') AS allowed,
       (SELECT count(*) FROM slot s WHERE s.cluster = $1 AND s.granted AND r.resource = ANY (s.resources)) AS held
  FROM unnest($2::text[]) AS r (resource) LEFT JOIN slot_limit l USING (resource);

-- name: served
-- How many slots each customer holds. $1 cluster
SELECT account_id, count(*) AS held FROM slot WHERE cluster = $1 AND granted GROUP BY account_id;

-- name: grant_slots
-- Their turn has come. $1 operations, $2 lease
UPDATE slot SET granted = true, lease_until = clock_timestamp() + make_interval(secs => $2)
 WHERE operation_id = ANY ($1::uuid[]);

-- name: wake_granted
-- Who was granted a slot is looked at now. $1 operations
WITH woken AS (
    UPDATE outbox SET due = now()
     WHERE token IS NULL AND stream_id IN (SELECT stream_id FROM slot WHERE operation_id = ANY ($1::uuid[]))
    RETURNING stream_id
)
SELECT pg_notify('hostler_wakes', '') FROM woken LIMIT 1;

-- name: lower_limits
-- Too much went on at once: half as much from now on, at least one; once for one burst. $1 resources, $2 ceilings
INSERT INTO slot_limit (resource, allowed, lowered_at)
SELECT resource, greatest(1, ceiling / 2), clock_timestamp()
  FROM unnest($1::text[], $2::int[]) AS row (resource, ceiling)
ON CONFLICT (resource) DO UPDATE
   SET allowed = greatest(1, slot_limit.allowed / 2), lowered_at = EXCLUDED.lowered_at
 WHERE slot_limit.lowered_at < clock_timestamp() - interval '5 seconds';

-- name: raise_limits
-- It went well: a tenth more, up to the ceiling. $1 resources, $2 ceilings
UPDATE slot_limit l SET allowed = least(row.ceiling, l.allowed + 0.1)
  FROM unnest($1::text[], $2::int[]) AS row (resource, ceiling)
 WHERE l.resource = row.resource AND l.allowed < row.ceiling;

-- name: promise_of
-- Where and how much memory is promised to a server. $1 server
SELECT cluster, node, memory_mib FROM memory_promise WHERE server_id = $1;

-- name: promise_more
-- Promise a server at least so much memory where it is, within the node's limit. $1 server, $2 MiB, $3 limit
WITH was AS (
    SELECT server_id, cluster, node, memory_mib FROM memory_promise WHERE server_id = $1 FOR UPDATE
), kept AS (
    UPDATE memory_promise m SET memory_mib = greatest(was.memory_mib, $2) FROM was WHERE m.server_id = was.server_id
)
UPDATE node_promise n
   SET limit_mib = greatest($3, n.promised_mib),
       promised_mib = n.promised_mib + greatest($2 - was.memory_mib, 0)
  FROM was WHERE n.cluster = was.cluster AND n.node = was.node;

-- name: promise_more_capacity
-- Promise a server at least so many cores and GiB where it is. $1 server, $2 cores, $3 GiB, $4 and $5 their limits
WITH was AS (
    SELECT resource, amount, resource LIKE 'cpu/%' AS cpu FROM capacity_promise WHERE server_id = $1 FOR UPDATE
), kept AS (
    UPDATE capacity_promise p SET amount = greatest(p.amount, CASE WHEN cpu THEN $2::bigint ELSE $3 END)
      FROM was WHERE p.server_id = $1 AND p.resource = was.resource
)
UPDATE capacity c
   SET most = greatest(c.promised, CASE WHEN cpu THEN $4::bigint ELSE $5 END),
       promised = c.promised + greatest(0, CASE WHEN cpu THEN $2::bigint ELSE $3 END - was.amount)
  FROM was WHERE c.resource = was.resource;

-- name: promise_exactly
-- What is promised to a server is exactly its size. $1 server, $2 MiB, $3 cores, $4 GiB
SELECT promise_exactly($1, $2, $3, $4);

-- name: forget_old_secrets
-- What nobody came back for within a day.
DELETE FROM secret WHERE at < now() - interval '1 day';

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
-- What the views say of a cluster's guests, as far as it has changed. `there`: whether a guest is to be found; the name
-- of an imported one is not compared, it was never ours. $1 cluster, $2 changed since
SELECT server_id, vmid, power, state->>'node' AS node, CASE WHEN state->>'source' IS NULL THEN name END AS name,
       coalesce(state->>'drift', '[]') <> '[]' AS drifted,
       status NOT IN ('terminated', 'unlinked', 'provisioning', 'failed') AS there
  FROM server_view
 WHERE cluster = $1 AND vmid IS NOT NULL AND updated_at >= $2;

-- name: vmid_states
-- What is known of these VMIDs. $1 cluster, $2 VMIDs
SELECT vmid, state FROM vmid WHERE cluster = $1 AND vmid = ANY($2::int[]);

-- name: burn_strangers
-- Strangers have these VMIDs: they are never given to anybody. $1 cluster, $2 VMIDs
INSERT INTO vmid (cluster, vmid, server_id, state)
SELECT $1, vmid, NULL, 'burned' FROM unnest($2::int[]) AS vmid
ON CONFLICT (cluster, vmid) DO NOTHING;

-- name: released_vmids
-- VMIDs whose guests were removed, after one of them. $1 cluster, $2 VMID, $3 limit
SELECT vmid FROM vmid WHERE cluster = $1 AND state = 'released' AND vmid > $2 ORDER BY vmid LIMIT $3;

-- name: holders_of
-- Whose these addresses are now. $1 addresses
SELECT host(address) AS address, server_id FROM address WHERE address = ANY($1::inet[]) AND upper_inf(during);

-- name: leave_cluster
-- Another process may look at once. $1 cluster, $2 token
UPDATE cluster_observation SET lease_until = NULL WHERE cluster = $1 AND token = $2;

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

-- name: saw_nodes
-- The nodes of a cluster are as they were just seen. $1 cluster, $2 a JSON list of rows
WITH seen AS (
    SELECT * FROM json_to_recordset($2::json)
        AS row (node text, online boolean, memory_mib bigint, vcpus bigint, disk_gib bigint, disk_free_gib bigint,
                disk_resource text, images json)
), gone AS (
    DELETE FROM node_sight WHERE cluster = $1 AND node NOT IN (SELECT node FROM seen)
)
INSERT INTO node_sight (cluster, node, online, memory_mib, vcpus, disk_gib, disk_free_gib, disk_resource, images)
SELECT $1, node, online, memory_mib, vcpus, disk_gib, disk_free_gib, disk_resource, images FROM seen
ON CONFLICT (cluster, node) DO UPDATE
   SET online = EXCLUDED.online, memory_mib = EXCLUDED.memory_mib, vcpus = EXCLUDED.vcpus,
       disk_gib = EXCLUDED.disk_gib, disk_free_gib = EXCLUDED.disk_free_gib,
       disk_resource = EXCLUDED.disk_resource, images = EXCLUDED.images, seen_at = clock_timestamp();

-- name: offers
-- The images and locations that staff have made beside the settings.
SELECT state FROM catalogue_view
 WHERE kind IN ('image', 'location') AND state->'declared'->>'origin' = 'staff'
 ORDER BY position, item_id;

-- name: streams_known
-- Those of these streams that the log has. $1 streams
SELECT stream_id FROM event WHERE stream_id = ANY ($1::uuid[]) AND version = 1;
