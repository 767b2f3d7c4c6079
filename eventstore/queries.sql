-- name: append
-- Events, their private parts and a wake, as the first write of the transaction: no row back means it was not. Back
-- come their places and times, in the order they were given in.
-- $1 stream, $2 versions, $3 types, $4 schema versions, $5 data, $6 meta, $7 private data (null: none),
-- $8 subject of the private data, $9 and $10 streams to wake and for whom, $11 and $12 operations and their streams
WITH guard AS MATERIALIZED (
    SELECT WHERE pg_current_xact_id_if_assigned() IS NULL
), appended AS (
    INSERT INTO event (stream_id, version, type, schema_v, data, meta)
    SELECT stream_id, version, type, schema_v, data, meta
      FROM guard,
           unnest($1::uuid[], $2::int[], $3::text[], $4::smallint[], $5::json[], $6::json[])
               AS row (stream_id, version, type, schema_v, data, meta)
    RETURNING tx, pos, stream_id, at
), kept AS (
    INSERT INTO event_private (stream_id, version, subject_id, data)
    SELECT stream_id, version, subject_id, data
      FROM guard, unnest($1::uuid[], $2::int[], $8::uuid[], $7::json[]) AS row (stream_id, version, subject_id, data)
     WHERE data IS NOT NULL
), woken AS (
    INSERT INTO outbox (stream_id, category, tx, pos, due)
    SELECT stream_id, category, tx, max(pos), now()
      FROM appended JOIN unnest($9::uuid[], $10::text[]) AS wake (stream_id, category) USING (stream_id)
     GROUP BY stream_id, category, tx
     ORDER BY stream_id
    ON CONFLICT (stream_id) DO UPDATE
       SET tx = EXCLUDED.tx, pos = EXCLUDED.pos,
           due = CASE WHEN outbox.token IS NULL THEN EXCLUDED.due ELSE outbox.due END
), named AS (
    INSERT INTO operation_stream (operation_id, stream_id)
    SELECT operation_id, stream_id FROM guard, unnest($11::uuid[], $12::uuid[]) AS row (operation_id, stream_id)
), rung AS (
    SELECT pg_notify('hostler', ''), CASE WHEN cardinality($9::uuid[]) > 0 THEN pg_notify('hostler_wakes', '') END
)
SELECT tx, array_agg(pos ORDER BY pos) AS places, array_agg(at ORDER BY pos) AS times FROM appended, rung GROUP BY tx;

-- name: written
-- What stands at a place of a stream. $1 stream, $2 version
SELECT tx, pos, type, data::text AS data, meta::text AS meta, at FROM event WHERE stream_id = $1 AND version = $2;

-- name: read_stream
-- A stream's events after a version, private parts joined. $1 stream, $2 version
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE e.stream_id = $1 AND e.version > $2
 ORDER BY e.version;

-- name: read_log
-- The log after (tx, pos), below the watermark of the reading snapshot. $1 tx, $2 pos, $3 limit
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE (e.tx, e.pos) > ($1::xid8, $2::bigint) AND e.tx < pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY e.tx, e.pos
 LIMIT $3;

-- name: read_log_below
-- The log after (tx, pos), below a watermark found by `appending_below`. $1 tx, $2 pos, $3 limit, $4 watermark
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE (e.tx, e.pos) > ($1::xid8, $2::bigint) AND e.tx < $4::xid8
 ORDER BY e.tx, e.pos
 LIMIT $3;

-- name: stalled
-- Whether committed events are there that a read just now did not give: they wait above the plain watermark, or settled
-- since. $1 tx, $2 pos
-- In order, so that the index answers: at the end of the log EXISTS would look through all of it.
SELECT (SELECT true FROM event WHERE (tx, pos) > ($1::xid8, $2::bigint) ORDER BY tx, pos LIMIT 1) IS NOT NULL;

-- name: appending_below
-- The lowest transaction that may still append, found by the locks on the log: everything below it is settled.
-- An appender takes the table lock before it gets its transaction id (the guard of `append` sees to that), so
-- a transaction below the snapshot's end that holds no such lock can never append any more.
WITH snapshot AS MATERIALIZED (
    SELECT pg_snapshot_xmax(pg_current_snapshot()) AS xmax
), locks AS MATERIALIZED (
    SELECT pid, locktype, relation, database, transactionid, mode, granted FROM pg_locks, snapshot
), appender AS (
    SELECT pid FROM locks
     WHERE relation = 'event'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND mode = 'RowExclusiveLock' AND granted
), writing AS (
    SELECT xmax::text::numeric AS xmax,
           xmax::text::numeric - mod(xmax::text::numeric, 4294967296) + transactionid::text::numeric AS tx
      FROM locks JOIN appender USING (pid), snapshot
     WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted
)
-- Locks show 32 bits of a transaction id, which lies within 2^31 of the snapshot's end, on either side: one that began
-- after the snapshot was taken must not count as one of an earlier epoch.
SELECT least(
    min(tx + CASE WHEN tx - xmax > 2147483648 THEN -4294967296 WHEN xmax - tx > 2147483648 THEN 4294967296 ELSE 0 END),
    (SELECT xmax::text::numeric FROM snapshot))::text::xid8 AS watermark
  FROM writing;

-- name: log_id
-- The identity of this log.
SELECT log_id FROM log;

-- name: end_of_log
-- The last position a reader may have reached now.
SELECT tx, pos FROM event WHERE tx < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY tx DESC, pos DESC LIMIT 1;

-- name: claim
-- Lease due wakes to this worker. $1 categories, $2 limit, $3 lease in seconds
-- The rows are chosen once, into an array: as a join, a plan could choose them again and lock more than the limit.
UPDATE outbox
   SET due = now() + make_interval(secs => $3), token = gen_random_uuid(), attempts = attempts + 1
 WHERE stream_id = ANY (ARRAY(
           SELECT stream_id FROM outbox
            WHERE due <= now() AND category = ANY($1::text[])
            ORDER BY due, stream_id LIMIT $2 FOR UPDATE SKIP LOCKED))
RETURNING stream_id, category, tx, pos, token, attempts;

-- name: extend
-- Keep a lease. $1 stream, $2 token, $3 lease in seconds
UPDATE outbox SET due = now() + make_interval(secs => $3)
 WHERE stream_id = $1 AND token = $2 RETURNING stream_id;

-- name: finish
-- Done with everything up to a position: the wake goes; a row back: it is due again, an append came meanwhile.
-- $1 stream, $2 token, $3 tx, $4 pos
WITH done AS (
    DELETE FROM outbox WHERE stream_id = $1 AND token = $2 AND (tx, pos) <= ($3::xid8, $4::bigint)
    RETURNING stream_id
)
UPDATE outbox SET due = now(), token = NULL, attempts = 0, error = NULL
 WHERE stream_id = $1 AND token = $2 AND (tx, pos) > ($3::xid8, $4::bigint)
RETURNING true;

-- name: postpone
-- Look again later, or at once when an append came meanwhile: whether it is due now.
-- $1 stream, $2 token, $3 tx, $4 pos, $5 seconds, $6 error or null, $7 whether this was progress
UPDATE outbox
   SET due = CASE WHEN (tx, pos) > ($3::xid8, $4::bigint) THEN now() ELSE now() + make_interval(secs => $5) END,
       token = NULL, error = $6, attempts = CASE WHEN $7 THEN 0 ELSE attempts END
 WHERE stream_id = $1 AND token = $2
RETURNING due <= now();

-- name: next_due
-- Seconds until the next wake is due; no row: there is none. $1 categories
SELECT greatest(0, extract(epoch FROM due - now()))::float8 FROM outbox
 WHERE category = ANY($1::text[]) ORDER BY due LIMIT 1;
