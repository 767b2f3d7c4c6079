-- name: projections
-- How far each projection is behind the log: events (counted up to $1), and seconds since the first of them
SELECT c.projection AS name, c.code_v, c.at, behind.events,
       greatest(0, coalesce(extract(epoch FROM clock_timestamp() - behind.since), 0))::float8 AS seconds
  FROM checkpoint c, LATERAL (
       SELECT count(*) AS events, min(late.at) AS since
         FROM (SELECT e.at FROM event e WHERE (e.tx, e.pos) > (c.tx, c.pos) ORDER BY e.tx, e.pos LIMIT $1) AS late
       ) AS behind
 ORDER BY c.projection;

-- name: wakes
-- The wakes of streams: how many there are, are due, are being looked at, and were tried in vain
SELECT count(*) AS waiting, count(*) FILTER (WHERE token IS NULL AND due <= now()) AS due,
       count(*) FILTER (WHERE token IS NOT NULL AND due > now()) AS leased, count(*) FILTER (WHERE error IS NOT NULL) AS failing,
       coalesce(max(extract(epoch FROM now() - due)) FILTER (WHERE due <= now()), 0)::float8 AS oldest_due_seconds
  FROM outbox;

-- name: programs
-- Which programs are connected from where, since when, and when they last said something
SELECT application_name AS name, host(client_addr) AS address, count(*) AS connections, min(backend_start) AS since,
       max(state_change) AS last_active_at
  FROM pg_stat_activity
 WHERE datname = current_database() AND application_name IN ('hostler-service', 'hostler-projector', 'hostler-orchestrator')
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: database
-- The database itself
SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size_bytes,
       current_setting('max_connections')::int AS max_connections, clock_timestamp() AS now,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections;

-- name: switch
-- Whether effects on Proxmox are paused
SELECT paused, reason, at, switched_by FROM effects_switch;

-- name: looked_at
-- When each cluster was last looked at, and what was in the way
SELECT cluster, reachable, observed_at, changed_at, error, lease_until > clock_timestamp() AS watched
  FROM cluster_observation ORDER BY cluster;

-- name: letters
-- Letters that wait to be sent, and those that were given up within a week
SELECT count(*) FILTER (WHERE sent_at IS NULL AND gave_up_at IS NULL) AS waiting,
       count(*) FILTER (WHERE gave_up_at > now() - interval '7 days') AS given_up
  FROM letter;

-- name: open_counts
-- How many operations have not ended
SELECT count(*) FILTER (WHERE status = 'queued') AS queued, count(*) FILTER (WHERE status = 'running') AS running,
       count(*) FILTER (WHERE status = 'needs_attention') AS needs_attention
  FROM operation_view WHERE status IN ('queued', 'running', 'needs_attention');

-- name: pace
-- How many events came within a minute and within ten, of the newest $1
SELECT count(*) FILTER (WHERE at > now() - interval '1 minute') AS a_minute,
       count(*) FILTER (WHERE at > now() - interval '10 minutes') AS ten_minutes
  FROM (SELECT at FROM event ORDER BY tx DESC, pos DESC LIMIT $1) AS newest;

-- name: staff_operations
-- Operations of all servers with where these are, newest first. $1 status, $2 type, $3 cluster, $4 node, $5 and $6
-- after which, $7 limit
SELECT o.operation_id, o.created_at, o.state, v.state AS server
  FROM operation_view o JOIN server_view v USING (server_id)
 WHERE ($1::text IS NULL OR o.status = $1) AND ($2::text IS NULL OR o.type = $2)
   AND ($3::text IS NULL OR v.cluster = $3) AND ($4::text IS NULL OR v.state->>'node' = $4)
   AND ($5::timestamptz IS NULL OR (o.created_at, o.operation_id) < ($5, $6::uuid))
 ORDER BY o.created_at DESC, o.operation_id DESC
 LIMIT $7;

-- name: staff_open_operations
-- Of these, those that have not ended; $1 null for all of them. Parameters as for `staff_operations`
SELECT o.operation_id, o.created_at, o.state, v.state AS server
  FROM operation_view o JOIN server_view v USING (server_id)
 WHERE o.status IN ('queued', 'running', 'needs_attention') AND ($1::text IS NULL OR o.status = $1)
   AND ($2::text IS NULL OR o.type = $2)
   AND ($3::text IS NULL OR v.cluster = $3) AND ($4::text IS NULL OR v.state->>'node' = $4)
   AND ($5::timestamptz IS NULL OR (o.created_at, o.operation_id) < ($5, $6::uuid))
 ORDER BY o.created_at DESC, o.operation_id DESC
 LIMIT $7;

-- name: failing_webhooks
-- Endpoints that take nothing, or were turned off by themselves, newest first. $1 limit
SELECT endpoint_id, account_id, url, failing_since, disabled_why FROM webhook_endpoint
 WHERE failing_since IS NOT NULL OR disabled_why IS NOT NULL
 ORDER BY created_at DESC, endpoint_id DESC LIMIT $1;

-- name: memory
-- What of each node's memory is promised
SELECT cluster, node, limit_mib AS most, promised_mib AS promised FROM node_promise ORDER BY cluster, node;

-- name: capacities
-- What of cores and storages is promised
SELECT resource, most, promised FROM capacity ORDER BY resource;

-- name: slots_now
-- Heavy tasks that go on in each cluster, and those that wait for their turn
SELECT cluster, count(*) FILTER (WHERE granted) AS granted, count(*) FILTER (WHERE NOT granted) AS waiting
  FROM slot WHERE lease_until > clock_timestamp() GROUP BY cluster ORDER BY cluster;

-- name: hours
-- What began within each of the last 24 hours, oldest first
SELECT h.hour, count(o.operation_id) AS begun, count(*) FILTER (WHERE o.type = 'create') AS creates,
       count(*) FILTER (WHERE o.status IN ('failed', 'needs_attention')) AS failed
  FROM generate_series(date_trunc('hour', now()) - interval '23 hours', date_trunc('hour', now()), '1 hour') AS h (hour)
  LEFT JOIN operation_view o ON o.created_at >= h.hour AND o.created_at < h.hour + interval '1 hour'
 GROUP BY h.hour
 ORDER BY h.hour;

-- name: grown
-- How many servers each cluster has, and how many came and went within 30 days. Who was imported did not come
SELECT v.cluster, count(*) FILTER (WHERE v.status <> 'terminated') AS servers,
       count(*) FILTER (WHERE v.created_at > now() - interval '30 days' AND v.status <> 'failed' AND EXISTS (
           SELECT FROM operation_view o WHERE o.server_id = v.server_id AND o.type = 'create')) AS came,
       count(*) FILTER (WHERE v.status = 'terminated' AND v.updated_at > now() - interval '30 days') AS went
  FROM server_view v
 WHERE v.cluster IS NOT NULL
 GROUP BY v.cluster;

-- name: promised
-- Memory and disk of each cluster, and what of it is promised
SELECT cluster, 'memory' AS what, sum(limit_mib) AS most, sum(promised_mib) AS promised FROM node_promise GROUP BY cluster
 UNION ALL
SELECT split_part(resource, '/', 2), 'disk', sum(most), sum(promised)
  FROM capacity WHERE resource LIKE 'disk/%' GROUP BY 1;
