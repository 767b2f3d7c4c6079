-- name: user
-- A user as the view has them, and what happened to them since. $1 user
SELECT v.state, e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM (SELECT $1::uuid AS id) AS asked
  LEFT JOIN user_view v ON v.user_id = asked.id
  LEFT JOIN event e ON e.stream_id = asked.id AND e.version > coalesce(v.version, 0) AND e.type LIKE 'user.%'
  LEFT JOIN event_private p ON p.stream_id = e.stream_id AND p.version = e.version
 ORDER BY e.version;

-- name: server
-- Servers as the view has them, what happened to each since, and the memberships of who asks; the state is left out
-- where its version is known. $1 servers, $2 users, $3 known versions
SELECT asked.number, v.version AS viewed, CASE WHEN v.version = asked.known THEN NULL ELSE v.state END AS state,
       e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private,
       (SELECT json_object_agg(account_id, role) FROM member_view WHERE user_id = asked.user_id) AS memberships,
       clock_timestamp() AS now
  FROM unnest($1::uuid[], $2::uuid[], $3::int[]) WITH ORDINALITY AS asked (id, user_id, known, number)
  LEFT JOIN server_view v ON v.server_id = asked.id
  LEFT JOIN event e ON e.stream_id = asked.id AND e.version > coalesce(v.version, 0) AND e.type LIKE 'server.%'
  LEFT JOIN event_private p ON p.stream_id = e.stream_id AND p.version = e.version
 ORDER BY asked.number, e.version;

-- name: operation
-- The server of an operation, the operation as the view has it, and the caller's memberships. $1 operation, $2 user
SELECT v.state, o.state AS operation,
       e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private,
       (SELECT json_object_agg(account_id, role) FROM member_view WHERE user_id = $2) AS memberships,
       clock_timestamp() AS now
  FROM (SELECT stream_id AS id FROM operation_stream WHERE operation_id = $1) AS asked
  LEFT JOIN server_view v ON v.server_id = asked.id
  LEFT JOIN operation_view o ON o.operation_id = $1
  LEFT JOIN event e ON e.stream_id = asked.id AND e.version > coalesce(v.version, 0) AND e.type LIKE 'server.%'
  LEFT JOIN event_private p ON p.stream_id = e.stream_id AND p.version = e.version
 ORDER BY e.version;

-- name: operations
-- A server's operations, newest first. $1 server, $2 and $3 after which (or null), $4 limit
SELECT operation_id, created_at, state FROM operation_view
 WHERE server_id = $1 AND ($2::timestamptz IS NULL OR (created_at, operation_id) < ($2, $3::uuid))
 ORDER BY created_at DESC, operation_id DESC
 LIMIT $4;

-- name: all_operations
-- Everybody's operations, newest first. $1 status, $2 type, $3 server, $4 and $5 after which, $6 limit
SELECT operation_id, created_at, state FROM operation_view
 WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR type = $2) AND ($3::uuid IS NULL OR server_id = $3)
   AND ($4::timestamptz IS NULL OR (created_at, operation_id) < ($4, $5::uuid))
 ORDER BY created_at DESC, operation_id DESC
 LIMIT $6;

-- name: operations_of_user
-- The same of the accounts that a user may act for. Further: $7 user
SELECT o.* FROM member_view m CROSS JOIN LATERAL (
    SELECT operation_id, created_at, state FROM operation_view
     WHERE account_id = m.account_id
       AND ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR type = $2)
       AND ($3::uuid IS NULL OR server_id = $3)
       AND ($4::timestamptz IS NULL OR (created_at, operation_id) < ($4, $5::uuid))
     ORDER BY created_at DESC, operation_id DESC
     LIMIT $6) AS o
 WHERE m.user_id = $7
 ORDER BY created_at DESC, operation_id DESC
 LIMIT $6;

-- name: memberships
-- Accounts that users may act for, and as what. $1 users
SELECT m.user_id, m.account_id, m.role, coalesce(a.status, 'active') AS status
  FROM member_view m LEFT JOIN account_view a USING (account_id)
 WHERE m.user_id = ANY ($1::uuid[]);

-- name: account
-- Whether an account exists. $1 account
SELECT true FROM account_view WHERE account_id = $1;

-- name: servers
-- A page of servers in an order, of everybody or of `whose`. $1 status, $2 pattern, $3 clusters out of reach,
-- $4 and $5 after which, $6 limit, $7 label, $8 its value (null: any)
SELECT server_id, version, cluster, {column} FROM server_view
 WHERE {whose}
       CASE WHEN $1::text IS NULL THEN status <> 'terminated'
            WHEN cluster = ANY ($3::text[]) AND status IN ('running', 'stopped', 'paused', 'suspended')
            THEN $1 = 'unknown' ELSE status = $1 END
   AND ($2::text IS NULL OR search LIKE $2)
   AND ($7::text IS NULL OR (state->'labels'->>$7) = $8 OR ($8 IS NULL AND state->'labels'->>$7 IS NOT NULL))
   AND ($4::{type} IS NULL OR ({column}, server_id) {beyond} ($4, $5::uuid))
 ORDER BY {column} {direction}, server_id {direction}
 LIMIT $6;

-- name: servers_of_user
-- The same of each account that a user may act for, then of all of them. Further: $9 user, $10 of this account alone
SELECT s.* FROM member_view m CROSS JOIN LATERAL ({servers}) AS s
 WHERE m.user_id = $9 AND ($10::uuid IS NULL OR m.account_id = $10)
 ORDER BY {column} {direction}, server_id {direction}
 LIMIT $6;

-- name: states
-- Servers as the view has them. $1 servers
SELECT server_id, state FROM server_view WHERE server_id = ANY ($1::uuid[]);

-- name: history
-- A server's events, newest first. $1 server, $2 before which version (or null), $3 types left out, $4 limit
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE e.stream_id = $1 AND ($2::int IS NULL OR e.version < $2) AND NOT e.type = ANY ($3::text[])
 ORDER BY e.version DESC
 LIMIT $4;

-- name: operation_types
-- What each of a server's operations was. $1 server
SELECT operation_id, type FROM operation_view WHERE server_id = $1;

-- name: people
-- What users are called. $1 users
SELECT user_id, role, state FROM user_view WHERE user_id = ANY ($1::uuid[]);

-- name: catalogue
-- Listed items of a kind, in the operator's order. $1 kind
SELECT item_id, state FROM catalogue_view WHERE kind = $1 AND listed ORDER BY position, item_id;

-- name: market
-- What orders turn on: listed items, each by its id or its key; which accounts users may act for, and as what; which
-- clusters staff have switched. $1 kinds, $2 ids (or nulls), $3 keys, $4 users
(SELECT DISTINCT ON (asked.number) 'item' AS about, asked.number, NULL::uuid AS id, NULL AS name, v.state::text AS state
   FROM unnest($1::text[], $2::uuid[], $3::text[]) WITH ORDINALITY AS asked (kind, id, key, number)
   JOIN catalogue_view v ON v.kind = asked.kind AND v.listed
        AND (v.item_id = asked.id OR v.state->'declared'->>'key' = asked.key)
  ORDER BY asked.number, v.position, v.item_id)
UNION ALL
SELECT 'account', asked.number, m.account_id, m.role, coalesce(a.status, 'active')
  FROM unnest($4::uuid[]) WITH ORDINALITY AS asked (user_id, number)
  JOIN member_view m USING (user_id) LEFT JOIN account_view a USING (account_id)
UNION ALL
SELECT 'cluster', NULL, NULL, cluster, mode FROM cluster_mode;

-- name: offers
-- The images and locations that staff have made beside the settings.
SELECT state FROM catalogue_view
 WHERE kind IN ('image', 'location') AND state->'declared'->>'origin' = 'staff'
 ORDER BY position, item_id;

-- name: now
-- The database's clock.
SELECT clock_timestamp();

-- name: sights
-- Whether each cluster answers, and when it last did.
SELECT cluster, reachable, observed_at FROM cluster_observation WHERE reachable IS NOT NULL;

-- name: checkpoint
-- How far the views have come.
SELECT tx, pos FROM checkpoint WHERE projection = 'views';

-- name: addresses_taken
-- How many addresses of a range somebody has now, or had so lately that they rest. $1 first, $2 last, $3 seconds
SELECT count(*) FROM address
 WHERE address BETWEEN $1::inet AND $2::inet
   AND (upper_inf(during) OR upper(during) > clock_timestamp() - make_interval(secs => $3));

-- name: who_had
-- Who had an address, or a prefix it is in. $1 address, $2 at which time (null: ever)
SELECT abbrev(a.address) AS network, a.server_id, lower(a.during) AS since, upper(a.during) AS until,
       v.name, v.account_id, v.cluster, v.vmid
  FROM address a LEFT JOIN server_view v USING (server_id)
 WHERE a.address >>= $1::inet AND ($2::timestamptz IS NULL OR a.during @> $2::timestamptz)
 ORDER BY lower(a.during) DESC
 LIMIT 1000;

-- name: nodes_seen
-- The nodes of clusters as they were last seen, what of each is promised, and how many servers of an account are there.
-- $1 clusters, $2 account
SELECT s.*, coalesce(m.promised_mib, 0) AS memory_promised, coalesce(c.promised, 0) AS vcpus_promised,
       coalesce(d.promised, 0) AS disk_promised,
       EXISTS (SELECT FROM maintenance w WHERE w.cluster = s.cluster AND w.node IN ('', s.node)) AS maintenance,
       (SELECT count(*) FROM capacity_promise p
         WHERE p.account_id = $2 AND p.resource = 'cpu/' || s.cluster || '/' || s.node) AS siblings
  FROM node_sight s
  LEFT JOIN node_promise m USING (cluster, node)
  LEFT JOIN capacity c ON c.resource = 'cpu/' || s.cluster || '/' || s.node
  LEFT JOIN capacity d ON d.resource = s.disk_resource
 WHERE s.cluster = ANY ($1::text[])
 ORDER BY s.cluster, s.node;

-- name: images_seen
-- Where a node has its images from, by their keys; null when it was not seen. $1 cluster, $2 node
SELECT images FROM node_sight WHERE cluster = $1 AND node = $2;

-- name: room_where_it_is
-- What a server is promised where it is, and how much more of each may be. $1 server
SELECT 'memory' AS kind, m.memory_mib AS held, n.limit_mib - n.promised_mib AS free
  FROM memory_promise m JOIN node_promise n USING (cluster, node) WHERE m.server_id = $1
UNION ALL
SELECT CASE WHEN p.resource LIKE 'cpu/%' THEN 'cores' ELSE 'disk' END, p.amount, c.most - c.promised
  FROM capacity_promise p JOIN capacity c USING (resource) WHERE p.server_id = $1;

-- name: keep_secret
-- What an operation must not forget. $1 operation, $2 sealed data
INSERT INTO secret (operation_id, data) VALUES ($1, $2);

-- name: forget_secret
-- It will not be used. $1 operation
DELETE FROM secret WHERE operation_id = $1;

-- name: promise_exactly
-- What is promised to a server is exactly its size. $1 server, $2 MiB, $3 cores, $4 GiB
SELECT promise_exactly($1, $2, $3, $4);

-- name: stored_answer
-- The answer to a request that came before. $1 user, $2 key
SELECT fingerprint, status, headers, body FROM idempotency_key WHERE user_id = $1 AND key = $2;

-- name: store_answer
-- Claim an idempotency key together with its answer. $1 user, $2 key, $3 fingerprint, $4 status, $5 headers, $6 body
INSERT INTO idempotency_key (user_id, key, fingerprint, status, headers, body) VALUES ($1, $2, $3, $4, $5, $6);

-- name: declared
-- Every catalogue item as it was last declared in the log.
SELECT DISTINCT ON (e.stream_id)
       e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE e.type LIKE 'catalogue.%'
 ORDER BY e.stream_id, e.version DESC;

-- name: switch_effects
-- Pause every effect on Proxmox, or resume. $1 paused, $2 reason, $3 user (null: at the command line)
UPDATE effects_switch SET paused = $1, reason = $2, at = now(), switched_by = $3;

-- name: clusters_maintained
-- What is under maintenance, and why; the node '' stands for the whole cluster.
SELECT cluster, node, reason FROM maintenance ORDER BY cluster, node;

-- name: begin_maintenance
-- A node, or '' for a whole cluster, is under maintenance. $1 cluster, $2 node, $3 reason
INSERT INTO maintenance (cluster, node, reason) VALUES ($1, $2, $3)
ON CONFLICT (cluster, node) DO UPDATE SET reason = EXCLUDED.reason;

-- name: end_maintenance
-- It is over. $1 cluster, $2 node
DELETE FROM maintenance WHERE cluster = $1 AND node = $2;

-- name: switch_cluster
-- Staff say whether anything is ever changed in a cluster. $1 cluster, $2 mode
INSERT INTO cluster_mode (cluster, mode) VALUES ($1, $2)
ON CONFLICT (cluster) DO UPDATE SET mode = EXCLUDED.mode;

-- name: cluster_mode
-- How staff have switched a cluster. $1 cluster
SELECT mode FROM cluster_mode WHERE cluster = $1;

-- name: clusters_switched
-- The clusters that staff have switched.
SELECT cluster, mode FROM cluster_mode;

-- name: allow_destroys
-- For some time no removal waits for staff. $1 minutes
UPDATE destroy_guard SET tripped_at = NULL, allowed_until = clock_timestamp() + make_interval(mins => $1);

-- name: destroys
-- How many guests were removed of late, and whether further removals wait. $1 window in seconds
SELECT tripped_at, CASE WHEN allowed_until > clock_timestamp() THEN allowed_until END AS allowed_until,
       (SELECT count(*) FROM destruction WHERE at > clock_timestamp() - make_interval(secs => $1)) AS recent
  FROM destroy_guard;

-- name: drift
-- How guests are not as the log says, newest first. $1-2 after this time and id, $3 also what is ignored, $4 limit
SELECT * FROM (
    SELECT 'srv_' || replace(server_id::text, '-', '') || '.' || kind AS id, server_id, name, kind, drift.cluster,
           drift.vmid, detail, since, ignored, facts
      FROM drift_view AS drift LEFT JOIN server_view USING (server_id)
     WHERE ($3 OR NOT ignored) AND ($1::timestamptz IS NULL OR since <= $1)) AS found
 WHERE $1::timestamptz IS NULL OR (since, id COLLATE "C") < ($1, $2 COLLATE "C")
 ORDER BY since DESC, id COLLATE "C" DESC LIMIT $4;

-- name: servers_in_other_mode
-- Servers that are not in a mode yet. $1 these alone (null: all), $2 of a cluster (null: of any), $3 mode, $4 limit
SELECT server_id FROM server_view
 WHERE ($1::uuid[] IS NULL OR server_id = ANY($1)) AND ($2::text IS NULL OR cluster = $2)
   AND status <> 'terminated' AND state->>'mode' <> $3
 ORDER BY server_id LIMIT $4;

-- name: versions
-- How far streams have grown. $1 streams
SELECT stream_id, max(version) AS version FROM event WHERE stream_id = ANY($1::uuid[]) GROUP BY stream_id;

-- name: tidying
-- Whether this transaction may tidy: one at a time
SELECT pg_try_advisory_xact_lock(hashtext('hostler housekeeping'));

-- name: tidy
-- Sessions that ended or expired a month ago, forgotten guesses, answers kept for repeated requests, links and letters
WITH sessions AS (
    DELETE FROM session WHERE least(ended_at, expires_at) < now() - interval '30 days'
), guesses AS (
    DELETE FROM login_attempt WHERE last_at < now() - interval '1 day'
), answers AS (
    DELETE FROM idempotency_key WHERE at < now() - interval '7 days'
), links AS (
    DELETE FROM one_time_link WHERE expires_at < now() - interval '1 day'
), invitations AS (
    DELETE FROM invitation WHERE least(ended_at, expires_at) < now() - interval '30 days'
), billing_steps AS (
    DELETE FROM billing_step WHERE at < now() - interval '7 days'
), tickets AS (
    DELETE FROM console_ticket WHERE expires_at < now() - interval '1 day'
), webhook_messages AS (
    DELETE FROM webhook_delivery d USING webhook_endpoint e
     WHERE e.endpoint_id = d.endpoint_id AND d.created_at < now() - interval '30 days'
       AND (d.state <> 'pending' OR NOT e.enabled)
), tokens AS (
    DELETE FROM api_token WHERE least(revoked_at, expires_at) < now() - interval '90 days'
)
DELETE FROM letter WHERE coalesce(sent_at, gave_up_at) < now() - interval '30 days';
