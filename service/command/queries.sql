-- name: has_history
-- Whether sqitch has written down what it deployed.
SELECT to_regclass('sqitch.changes') IS NOT NULL;

-- name: newest_change
-- The schema of this database, by the last change that was deployed.
SELECT change FROM sqitch.changes ORDER BY committed_at DESC LIMIT 1;

-- name: backed_up_tables
-- Every table but the views, which are built anew, and those that are left out. $1 left out
SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
   AND c.relname !~ '_view(__.*)?$' AND c.relname <> ALL ($1::text[])
   AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 GROUP BY c.relname ORDER BY c.relname;

-- name: referring_tables
-- Which table refers to which.
SELECT DISTINCT conrelid::regclass::text AS name, confrelid::regclass::text AS refers_to
  FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conrelid <> confrelid;

-- name: plain_text
-- What is copied as text is read the same everywhere; until the transaction ends.
SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL extra_float_digits = 1;

-- name: copied
-- The rows of a table.
SELECT {columns} FROM {table};

-- name: copied_events
-- The log, numbered anew in its order: transaction ids mean nothing in another database.
SELECT {columns} FROM (
    SELECT '1'::xid8 AS tx, row_number() OVER (ORDER BY e.tx, e.pos) AS pos, {others} FROM event e
) AS log;

-- name: copied_outbox
-- The wakes, held by nobody and older than everything that is appended later.
SELECT {columns} FROM (
    SELECT '1'::xid8 AS tx, 0 AS pos, NULL::uuid AS token, 0 AS attempts, NULL::text AS error, {others} FROM outbox
) AS wake;

-- name: connected_programs
-- Programs of Hostler that use this database now, besides this one.
SELECT DISTINCT application_name FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'hostler%' ORDER BY 1;

-- name: lock_log
-- Nobody reads or appends until the transaction ends.
LOCK TABLE event IN ACCESS EXCLUSIVE MODE;

-- name: has_tables
-- Whether anything was ever deployed here.
SELECT to_regclass('event') IS NOT NULL;

-- name: has_events
-- Whether anything ever happened here.
SELECT EXISTS (SELECT FROM event);

-- name: all_tables
-- Every table of ours.
SELECT relname AS name FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'log' ORDER BY relname;

-- name: allow_emptying
-- The log may be emptied, for a restore alone and until its transaction ends.
ALTER TABLE event DISABLE TRIGGER event_immutable;

-- name: forbid_emptying
-- Events are never changed again.
ALTER TABLE event ENABLE TRIGGER event_immutable;

-- name: empty
-- Nothing is left.
TRUNCATE {tables};

-- name: count_on
-- New events are numbered after the restored ones.
ALTER TABLE event ALTER COLUMN pos RESTART WITH {next};

-- name: become_another_log
-- Positions of the log that was backed up mean nothing in this one.
UPDATE log SET log_id = gen_random_uuid(), created_at = now() RETURNING log_id;

-- name: effects
-- Whether effects on Proxmox are switched off, why, and by whom.
SELECT paused, reason, switched_by FROM effects_switch;

-- name: hold_removals
-- Removals wait for staff.
UPDATE destroy_guard SET tripped_at = clock_timestamp(), allowed_until = NULL;

-- name: skip_vmids
-- No number up to this one is given to a new server. $1 cluster, $2 first, $3 last of its range, $4 how many to skip
INSERT INTO vmid (cluster, vmid, server_id, state)
SELECT $1, given + least($4, ($3 - given) / 2), NULL, 'burned'
  FROM (SELECT coalesce(max(vmid), $2 - 1) AS given FROM vmid WHERE cluster = $1 AND vmid BETWEEN $2 AND $3) AS highest
 WHERE given < $3 - 1;

-- name: servers_to_settle
-- Servers with an operation under way, or that are to be removed later.
SELECT server_id FROM operation_view WHERE status IN ('queued', 'running')
 UNION SELECT server_id FROM server_view WHERE state->>'purge_at' IS NOT NULL;
