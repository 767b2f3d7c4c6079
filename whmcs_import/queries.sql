-- name: try_lock
-- Whether this is the only import of a source. $1 source
SELECT pg_try_advisory_lock(hashtextextended('whmcs-import:' || $1, 0));

-- name: source_keys
-- What earlier runs imported from a source. $1 source
SELECT entity, source_id, content_hash FROM source_key WHERE source = $1 ORDER BY entity, source_id;

-- name: logins
-- Who signs in with which address.
SELECT email, user_id FROM login_name;

-- name: erased_rows
-- The rows of a source whose personal data was erased here. $1 source
SELECT DISTINCT split_part(i.type, '.', 1) AS kind, i.data ->> 'source_id' AS source_id
  FROM event e
  JOIN event i USING (stream_id)
 WHERE e.type IN ('account.erased', 'user.erased', 'server.owner_erased')
   AND i.type IN ('account.imported', 'user.imported', 'server.imported') AND i.data ->> 'source' = $1;

-- name: remembered_rows
-- What the last run read of a source. $1 source, $2 what its findings were made of besides
SELECT known FROM import_memory WHERE source = $1 AND made_of = $2;

-- name: remembered_findings
-- What the last run found out of that. $1 source
SELECT findings FROM import_memory WHERE source = $1;

-- name: remembered_groups
-- What the last run found out of each service of a source. $1 source, $2 what that was made of besides
SELECT groups FROM import_memory WHERE source = $1 AND made_of = $2;

-- name: remember
-- What a run read and found out. $1 source, $2 made of, $3 what was read, $4 findings, $5 what of each service
INSERT INTO import_memory (source, made_of, known, findings, groups) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (source) DO UPDATE
   SET made_of = EXCLUDED.made_of, known = EXCLUDED.known, findings = EXCLUDED.findings, groups = EXCLUDED.groups,
       at = now();

-- name: forget_findings
-- The next run has to find out all of it. $1 source
DELETE FROM import_memory WHERE source = $1;

-- name: accounts_of_servers
-- The account of each imported server as last recorded. $1 streams
SELECT DISTINCT ON (stream_id) stream_id, (data ->> 'account_id')::uuid AS account_id
  FROM event
 WHERE stream_id = ANY($1::uuid[]) AND type IN ('server.imported', 'server.import_updated')
 ORDER BY stream_id, version DESC;

-- name: imported_ids
-- Which rows of an entity are here. $1 source, $2 entity
SELECT source_id FROM source_key WHERE source = $1 AND entity = $2;

-- name: imported_now
-- What the source said last about some rows of an entity, as the log has it. $1 source, $2 entity, $3 event types,
-- $4 source ids
SELECT DISTINCT ON (e.stream_id) k.source_id, e.data, p.data AS private
  FROM source_key k
  JOIN event e USING (stream_id)
  LEFT JOIN event_private p USING (stream_id, version)
 WHERE k.source = $1 AND k.entity = $2 AND k.source_id = ANY($4::text[]) AND e.type = ANY($3::text[])
 ORDER BY e.stream_id, e.version DESC;

-- name: changes_of_servers
-- What imported servers were called and made of, said by the source and by people here. $1 streams
SELECT e.stream_id, e.type, e.data, p.data AS private
  FROM event e
  LEFT JOIN event_private p USING (stream_id, version)
 WHERE e.stream_id = ANY($1::uuid[])
   AND e.type IN ('server.imported', 'server.import_updated', 'server.renamed', 'server.plan_changed',
                  'server.image_changed')
 ORDER BY e.stream_id, e.version;

-- name: chosen_here
-- What people here chose of imported servers. $1 streams
SELECT DISTINCT stream_id, type FROM event
 WHERE stream_id = ANY($1::uuid[]) AND type IN ('server.renamed', 'server.plan_changed', 'server.image_changed');

-- name: last_mapping
-- The digest of the mapping with which a source was imported last. $1 source
SELECT f.data #>> '{report,mapping,digest}'
  FROM event f
  JOIN event s ON s.stream_id = f.stream_id AND s.type = 'import.started'
 WHERE f.type = 'import.finished' AND s.data ->> 'source' = $1
 ORDER BY f.tx DESC, f.pos DESC LIMIT 1;

-- name: last_report
-- What the last run of a source set aside. $1 source
SELECT f.data #> '{report,quarantined}' AS quarantined, f.data #> '{report,entities,servers,quarantine}' AS counts
  FROM event f
  JOIN event s ON s.stream_id = f.stream_id AND s.type = 'import.started'
 WHERE f.type = 'import.finished' AND s.data ->> 'source' = $1
 ORDER BY f.tx DESC, f.pos DESC LIMIT 1;

-- name: credentials
-- With which passwords users sign in. $1 users
SELECT user_id, scheme, hash FROM credential WHERE user_id = ANY($1::uuid[]);

-- name: members_added
-- Who was let into imported accounts by people here. $1 streams
SELECT stream_id, data FROM event
 WHERE stream_id = ANY($1::uuid[]) AND type = 'account.member_added'
 ORDER BY stream_id, version;

-- name: has_runs
-- Whether any run ever began to import a source. $1 source
SELECT EXISTS (SELECT FROM event WHERE type = 'import.started' AND data ->> 'source' = $1);

-- name: versions
-- How long streams are; one without events is not among them. $1 streams
SELECT stream_id, max(version) AS version FROM event WHERE stream_id = ANY($1::uuid[]) GROUP BY stream_id;

-- name: catalogue_names
-- What catalogue items are called here. $1 streams
SELECT DISTINCT ON (stream_id) stream_id, data ->> 'name' AS name
  FROM event
 WHERE stream_id = ANY($1::uuid[]) AND type IN ('catalogue.image_declared', 'catalogue.location_declared')
 ORDER BY stream_id, version DESC;

-- name: commit_unhurried
-- What this connection commits from now on is on disk a moment later, and always before what is committed after it.
SET synchronous_commit TO off;

-- name: commit_as_usual
-- What this connection commits from now on is on disk, and everything before it.
RESET synchronous_commit;

-- name: claim_rows
-- A source row became a stream, once. $1 source, $2 entity, $3 source ids, $4 streams, $5 content hashes, $6 run
INSERT INTO source_key (source, entity, source_id, stream_id, content_hash, run_id)
SELECT $1, $2, source_id, stream_id, content_hash, $6
  FROM unnest($3::text[], $4::uuid[], $5::bytea[]) AS row (source_id, stream_id, content_hash);

-- name: renew_rows
-- A source row changed. $1 source, $2 entity, $3 source ids, $4 content hashes, $5 run
UPDATE source_key AS k SET content_hash = row.content_hash, run_id = $5
  FROM unnest($3::text[], $4::bytea[]) AS row (source_id, content_hash)
 WHERE k.source = $1 AND k.entity = $2 AND k.source_id = row.source_id;

-- name: close_logins
-- These users cannot sign in any more. $1 users
DELETE FROM login_name WHERE user_id = ANY($1::uuid[]);

-- name: open_logins
-- With these addresses these users sign in. $1 addresses, $2 users
INSERT INTO login_name (email, user_id)
SELECT email, user_id FROM unnest($1::text[], $2::uuid[]) AS row (email, user_id)
ON CONFLICT (user_id) DO UPDATE SET email = EXCLUDED.email;

-- name: put_credentials
-- Passwords as the source has them; one that was set or rehashed here stays. $1 users, $2 schemes, $3 hashes,
-- $4 days until a hash that is not bcrypt stops to open
INSERT INTO credential (user_id, scheme, hash, legacy_expires_at)
SELECT user_id, scheme, hash, CASE WHEN scheme <> 'bcrypt' THEN now() + make_interval(days => $4) END
  FROM unnest($1::uuid[], $2::text[], $3::text[]) AS row (user_id, scheme, hash)
ON CONFLICT (user_id) DO UPDATE
   SET scheme = EXCLUDED.scheme, hash = EXCLUDED.hash, legacy_expires_at = EXCLUDED.legacy_expires_at,
       changed_at = now()
 WHERE credential.scheme <> 'argon2id';


-- name: source_of_run
-- What a run imported from. $1 run
SELECT data ->> 'source' FROM event WHERE stream_id = $1 AND type = 'import.started';

-- name: rows_of_source
-- What is here of a source, and which run wrote it last. $1 source
SELECT entity, source_id, stream_id, run_id FROM source_key WHERE source = $1 ORDER BY entity, source_id;

-- name: histories
-- Everything that happened to streams. $1 streams
SELECT e.stream_id, e.version, e.type, e.schema_v, e.data, p.data AS private
  FROM event e
  LEFT JOIN event_private p USING (stream_id, version)
 WHERE e.stream_id = ANY($1::uuid[])
 ORDER BY e.stream_id, e.version;

-- name: signed_in
-- Who of these users has signed in here, or has a password of ours. $1 users
SELECT user_id FROM session WHERE user_id = ANY($1::uuid[])
UNION
SELECT user_id FROM credential WHERE user_id = ANY($1::uuid[]) AND scheme = 'argon2id';

-- name: forget_rows
-- These streams are not imported any more. $1 streams
DELETE FROM source_key WHERE stream_id = ANY($1::uuid[]);

-- name: doubt_rows
-- What these streams hold is not what the source said last. $1 streams
UPDATE source_key SET content_hash = '' WHERE stream_id = ANY($1::uuid[]);

-- name: let_go_guests
-- These servers have no guest any more; another import may give them theirs again. $1 servers
DELETE FROM vmid WHERE server_id = ANY($1::uuid[]) AND state = 'owned';

-- name: let_go_addresses
-- The addresses of these servers are free from now on. $1 servers
UPDATE address SET during = tstzrange(lower(during), clock_timestamp())
 WHERE server_id = ANY($1::uuid[]) AND upper_inf(during);

-- name: let_go_memory
-- What these servers were promised of their nodes' memory is free again. $1 servers
WITH gone AS (
    DELETE FROM memory_promise WHERE server_id = ANY($1::uuid[]) RETURNING cluster, node, memory_mib
), freed AS (
    SELECT cluster, node, sum(memory_mib) AS memory_mib FROM gone GROUP BY cluster, node
)
UPDATE node_promise n SET promised_mib = n.promised_mib - freed.memory_mib
  FROM freed WHERE n.cluster = freed.cluster AND n.node = freed.node;

-- name: let_go_capacity
-- The cores and GiB of these servers are free again. $1 servers
WITH gone AS (
    DELETE FROM capacity_promise WHERE server_id = ANY($1::uuid[]) RETURNING resource, amount
), freed AS (
    SELECT resource, sum(amount) AS amount FROM gone GROUP BY resource
)
UPDATE capacity c SET promised = c.promised - freed.amount FROM freed WHERE c.resource = freed.resource;

-- name: forget_credentials
-- These users have no password any more. $1 users
DELETE FROM credential WHERE user_id = ANY($1::uuid[]);
