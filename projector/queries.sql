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
