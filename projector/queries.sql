-- name: begin_checkpoint
-- A projection starts at the beginning of the log. $1 projection, $2 code version
INSERT INTO checkpoint (projection, tx, pos, code_v) VALUES ($1, '0', 0, $2) ON CONFLICT (projection) DO NOTHING;

-- name: checkpoint
-- How far a projection has read, and by which code. $1 projection
SELECT tx, pos, code_v FROM checkpoint WHERE projection = $1;

-- name: advance
-- Compare and set: no row back means another runner moved on. $1 projection, $2-3 from, $4-5 to, $6 code version
UPDATE checkpoint SET tx = $4, pos = $5, at = now()
 WHERE projection = $1 AND tx = $2 AND pos = $3 AND code_v = $6
RETURNING projection;

-- name: ring
-- Tell who waits for the views.
SELECT pg_notify('hostler_views', '');

-- name: only_runner
-- Saves work alone: what keeps two runners apart is the compare-and-set. $1 projection
SELECT pg_try_advisory_lock(hashtext('hostler.projection'), hashtext($1));

-- name: states
-- What was folded before. $1 ids
SELECT {id} AS id, state FROM {table} WHERE {id} = ANY($1::uuid[]);

-- name: clear
-- All rows of these owners go. $1 owners
DELETE FROM {table} WHERE {owner} = ANY($1::uuid[]);

-- name: stage
-- Room for a large page.
CREATE TEMPORARY TABLE {stage} (LIKE {table}) ON COMMIT DROP;

-- name: merge
-- New rows, and newer versions of known ones.
INSERT INTO {table} AS t ({columns})
SELECT {columns} FROM {source} AS s ({columns})
    ON CONFLICT ({key}) DO UPDATE SET {updates} {condition};

-- name: scan
-- The log in order, as the transaction's snapshot sees it. $1-2 after
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private, p.subject_id
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE (e.tx, e.pos) > ($1::xid8, $2::bigint)
 ORDER BY e.tx, e.pos;

-- name: scan_upto
-- The log in order, up to a settled position. $1-2 after, $3-4 up to
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE (e.tx, e.pos) > ($1::xid8, $2::bigint) AND (e.tx, e.pos) <= ($3::xid8, $4::bigint)
 ORDER BY e.tx, e.pos;

-- name: plain_times
-- Times as text mean the same whatever the server's settings; until the transaction ends.
SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO';

-- name: by_stream
-- The log up to a settled position, stream by stream. $1-2 up to, $3 the streams above, $4 the last one
SELECT e.stream_id, e.version, e.tx, e.pos, e.type, e.schema_v, e.at, e.data, e.meta, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE (e.tx, e.pos) <= ($1::xid8, $2::bigint) AND e.stream_id > $3::uuid AND e.stream_id <= $4::uuid
 ORDER BY e.stream_id, e.version;

-- name: bounds
-- Streams that cut the log into about equal shares, by a hundredth of its pages. $1 fractions, $2 the least to sample
SELECT DISTINCT unnest(percentile_disc($1::float8[]) WITHIN GROUP (ORDER BY stream_id)) AS stream_id
  FROM event TABLESAMPLE SYSTEM (1)
HAVING count(*) >= $2;

-- name: only_rebuild
-- One rebuild at a time.
SELECT pg_try_advisory_lock(hashtext('hostler.rebuild'), 0);

-- name: drop_table
-- What an earlier rebuild left behind, or what was swapped out.
DROP TABLE IF EXISTS {table};

-- name: create_like
-- An empty table of the same shape, with its own indexes and constraints.
CREATE TABLE {new} (LIKE {table} INCLUDING ALL);

-- name: analyze
-- Fresh statistics before anybody reads it.
ANALYZE {table};

-- name: forget_checkpoint
-- A projection that begins anew, or is no more. $1 projection
DELETE FROM checkpoint WHERE projection = $1;

-- name: set_checkpoint
-- Where a projection built at once stands. $1 projection, $2-3 position, $4 code version
INSERT INTO checkpoint (projection, tx, pos, code_v) VALUES ($1, $2, $3, $4)
    ON CONFLICT (projection) DO UPDATE SET tx = $2, pos = $3, code_v = $4, at = now();

-- name: hold_checkpoint
-- The runner of a projection waits until this transaction ends. $1 projection
SELECT tx, pos FROM checkpoint WHERE projection = $1 FOR UPDATE;

-- name: rename_table
-- Put a table in another's place.
ALTER TABLE {table} RENAME TO {name};

-- name: rename_index
-- Constraints that an index backs are renamed with it.
ALTER INDEX {index} RENAME TO {name};

-- name: rename_constraint
-- Constraints without an index.
ALTER TABLE {table} RENAME CONSTRAINT {constraint} TO {name};

-- name: index_names
-- Indexes of two tables of the same shape, by what they index. $1 table, $2 the other
WITH named AS (
    SELECT indrelid, relname, row_number() OVER (PARTITION BY indrelid, shape ORDER BY relname) AS copy, shape
      FROM (SELECT i.indrelid, c.relname, regexp_replace(pg_get_indexdef(c.oid), ' INDEX .* ON [^ ]+ ', ' ') AS shape
              FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             WHERE i.indrelid IN ($1::regclass, $2::regclass)) AS shaped
)
SELECT n.relname AS new, o.relname AS old
  FROM named o JOIN named n USING (shape, copy)
 WHERE o.indrelid = $1::regclass AND n.indrelid = $2::regclass;

-- name: constraint_names
-- Constraints without an index of two tables of the same shape, where their names differ. $1 table, $2 the other
SELECT n.conname AS new, o.conname AS old
  FROM pg_constraint o
  JOIN pg_constraint n ON n.contype = o.contype AND n.conkey = o.conkey
                      AND pg_get_constraintdef(n.oid) = pg_get_constraintdef(o.oid)
 WHERE o.conrelid = $1::regclass AND n.conrelid = $2::regclass AND o.conindid = 0 AND n.conname <> o.conname;

-- name: grants
-- Who else may do what with a table. $1 table
SELECT format('GRANT %s ON {table} TO %s', a.privilege_type,
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS statement
  FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.oid = $1::regclass AND a.grantee <> c.relowner;

-- name: short_locks
-- Rather try again than make readers queue behind a waiting lock.
SET LOCAL lock_timeout = '2s';

-- name: scratch_schema
-- Room for views folded anew; it is never committed.
CREATE SCHEMA {schema};

-- name: differences
-- Rows that are not the same in the live view and in the one folded anew.
SELECT to_json(live) AS live, to_json(folded) AS folded
  FROM {table} AS live FULL JOIN {folded} AS folded USING ({key})
 WHERE live::text IS DISTINCT FROM folded::text
 ORDER BY {key};

-- name: claimed_vmids
-- VMIDs promised to servers; burned ones are nobody's.
SELECT cluster, vmid, server_id, state FROM vmid WHERE state <> 'burned';

-- name: claimed_addresses
-- Who has an address, and who had it.
SELECT abbrev(address) AS address, server_id, CASE WHEN upper_inf(during) THEN 'open' ELSE 'closed' END FROM address;

-- name: claimed_memory
-- Memory promised to servers.
SELECT server_id, cluster, node, memory_mib FROM memory_promise;

-- name: claimed_capacity
-- Cores and GiB promised to servers.
SELECT server_id, resource, amount FROM capacity_promise;

-- name: claimed_operations
-- Which stream each operation belongs to.
SELECT operation_id, stream_id FROM operation_stream;

-- name: claimed_sources
-- Which stream each imported row became.
SELECT source, entity, source_id, stream_id FROM source_key WHERE entity IN ('user', 'client', 'service');

-- name: claimed_maintenance
-- What is under maintenance.
SELECT cluster, node FROM maintenance;

-- name: claimed_cluster_modes
-- Which clusters staff have switched.
SELECT cluster, mode FROM cluster_mode;

-- name: stream_until
-- A stream as it was. $1 stream, $2 time
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE e.stream_id = $1 AND e.at <= $2
 ORDER BY e.version;

-- name: before_the_last
-- Where the last events of the log begin. $1 how many
SELECT tx, pos FROM event WHERE tx < pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY tx DESC, pos DESC OFFSET $1 LIMIT 1;
