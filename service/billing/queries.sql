-- name: put_billing
-- What is wanted of a service. The same again begins when it was to begin. $1 external id, $2 server, $3 what, $4 from
-- when (or null), $5 grace in seconds, $6 who asks, $7 request
INSERT INTO billing_service AS b
    (external_id, server_id, desired, effective_at, begins_at, due_at, asked_by, request_id)
SELECT $1, $2, $3::json, $4, begins, greatest(begins, now()), $6, $7
  FROM (SELECT coalesce($4::timestamptz, now()) + make_interval(secs => $5) AS begins) AS given
ON CONFLICT (external_id) DO UPDATE
   SET desired = EXCLUDED.desired, effective_at = EXCLUDED.effective_at, asked_by = EXCLUDED.asked_by,
       request_id = EXCLUDED.request_id, token = NULL, problem = NULL, problem_code = NULL, updated_at = now(),
       begins_at = CASE WHEN b.desired::text = EXCLUDED.desired::text
                             AND b.effective_at IS NOT DISTINCT FROM EXCLUDED.effective_at
                        THEN b.begins_at ELSE EXCLUDED.begins_at END,
       due_at = greatest(now(), CASE WHEN b.desired::text = EXCLUDED.desired::text
                                          AND b.effective_at IS NOT DISTINCT FROM EXCLUDED.effective_at
                                     THEN b.begins_at ELSE EXCLUDED.begins_at END);

-- name: billing
-- What is wanted of a service. $1 external id
SELECT * FROM billing_service WHERE external_id = $1;

-- name: billings
-- What is wanted of services, by external id, with their servers as the view has them. $1 after which, $2 only with a
-- problem, $3 limit
SELECT b.*, v.state FROM billing_service b LEFT JOIN server_view v USING (server_id)
 WHERE ($1::text IS NULL OR b.external_id > $1) AND (NOT $2 OR b.problem_code IS NOT NULL)
 ORDER BY b.external_id
 LIMIT $3;

-- name: take_billing
-- A service whose time has come, ours for $1 seconds. $2 this one alone, or null
UPDATE billing_service SET token = gen_random_uuid(), due_at = now() + make_interval(secs => $1)
 WHERE external_id = (
    SELECT external_id FROM billing_service
     WHERE due_at <= now() AND ($2::text IS NULL OR external_id = $2)
     ORDER BY due_at LIMIT 1
    FOR UPDATE SKIP LOCKED
 )
RETURNING *;

-- name: wake_billing
-- Something has changed about a server: its service is looked at now, unless it has not begun, waits for staff, or
-- somebody looks at it already. $1 server
UPDATE billing_service SET due_at = now()
 WHERE server_id = $1 AND due_at > now() AND begins_at <= now() AND token IS NULL
   AND problem_code IS DISTINCT FROM 'held';

-- name: billing_looked_at
-- Look again later, or not before more is asked. $1 external id, $2 token, $3 seconds (null: never), $4 code, $5 problem
UPDATE billing_service
   SET due_at = now() + make_interval(secs => $3::float8), token = NULL, problem_code = $4, problem = $5
 WHERE external_id = $1 AND token = $2;

-- name: billing_suspended
-- Billing placed a hold. $1 external id, $2 reason
UPDATE billing_service SET placed = array_append(array_remove(placed, $2), $2) WHERE external_id = $1;

-- name: billing_unsuspended
-- Billing lifted a hold. $1 external id, $2 reason
UPDATE billing_service SET placed = array_remove(placed, $2) WHERE external_id = $1;

-- name: billing_ended
-- Billing terminated the server, or took that back. $1 external id, $2 which of the two
UPDATE billing_service SET ended = $2 WHERE external_id = $1;

-- name: lock_billing_guard
-- One at a time: the next statement sees every step that was let through before.
SELECT pg_advisory_xact_lock(hashtext('hostler billing guard'));

-- name: let_billing_step
-- Let a suspension or termination through while there were few of late, or staff allow all of them. $1 operation,
-- $2 window in seconds, $3 the most, $4 the most as a share of all servers, $5 but never fewer than these
WITH recent AS (
    SELECT count(*) AS n FROM billing_step WHERE at > clock_timestamp() - make_interval(secs => $2)
), limits AS (
    SELECT least($3::bigint, greatest($5::bigint, floor(count(*) * $4::float8)::bigint)) AS most
      FROM server_view WHERE status <> 'terminated'
), guard AS (
    SELECT max(tripped_at) AS tripped_at, max(allowed_until) AS allowed_until FROM billing_guard
), let AS (
    INSERT INTO billing_step (operation_id)
    SELECT $1 FROM recent, limits, guard
     WHERE allowed_until > clock_timestamp() OR (tripped_at IS NULL AND n < most)
    RETURNING operation_id
)
SELECT EXISTS (SELECT FROM let);

-- name: trip_billing_guard
-- From now on suspensions and terminations for billing wait for staff.
INSERT INTO billing_guard AS g (tripped_at) VALUES (clock_timestamp())
ON CONFLICT (single) DO UPDATE SET tripped_at = coalesce(g.tripped_at, EXCLUDED.tripped_at);

-- name: allow_billing
-- For some time none of them waits for staff. $1 minutes
WITH woken AS (
    UPDATE billing_service SET due_at = now(), token = NULL WHERE problem_code = 'held'
)
INSERT INTO billing_guard (tripped_at, allowed_until)
VALUES (NULL, clock_timestamp() + make_interval(mins => $1))
ON CONFLICT (single) DO UPDATE SET tripped_at = NULL, allowed_until = EXCLUDED.allowed_until;

-- name: billing_holds
-- Suspensions and terminations for billing of late, how many there may be, and how many wait. $1 window in seconds,
-- $2 the most, $3 the most as a share of all servers, $4 but never fewer than these
SELECT (SELECT count(*) FROM billing_step WHERE at > clock_timestamp() - make_interval(secs => $1)) AS recent,
       (SELECT least($2::bigint, greatest($4::bigint, floor(count(*) * $3::float8)::bigint))
          FROM server_view WHERE status <> 'terminated') AS most,
       (SELECT count(*) FROM billing_service WHERE problem_code = 'held') AS waiting,
       max(tripped_at) AS tripped_at,
       max(allowed_until) FILTER (WHERE allowed_until > clock_timestamp()) AS allowed_until
  FROM billing_guard;

-- name: billing_clock
-- The database's time.
SELECT clock_timestamp();

-- name: billing_customer
-- Whom a billing system calls so. $1 external id
SELECT account_id, user_id, external_id FROM billing_customer WHERE external_id = $1;

-- name: billing_customer_of
-- The customer who is a user, or whose an account is, if billing made or named them. $1 user, $2 account (or null)
SELECT account_id, user_id, external_id FROM billing_customer WHERE user_id = $1 OR account_id = $2
 ORDER BY account_id = $2 DESC NULLS LAST LIMIT 1;

-- name: name_customer
-- A billing system has made a customer, or calls one so from now on. $1 account, $2 user, $3 external id (or null),
-- $4 who asks, $5 request
INSERT INTO billing_customer AS c (account_id, user_id, external_id, asked_by, request_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id) DO UPDATE SET external_id = $3 WHERE c.external_id IS NULL
RETURNING account_id;
