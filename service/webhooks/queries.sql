-- name: webhook_listeners
-- The endpoints that want to hear something of an account's server; a lane for it waits at each. $1 account,
-- $2 server, $3 type
INSERT INTO webhook_lane AS l (endpoint_id, resource_id)
SELECT endpoint_id, $2 FROM webhook_endpoint
 WHERE (account_id = $1 OR account_id IS NULL) AND enabled AND events && ARRAY['*', $3::text]
ON CONFLICT (endpoint_id, resource_id) DO UPDATE SET told = l.told + 1
RETURNING endpoint_id;

-- name: webhooks_are_heard
-- Whether any endpoint is on.
SELECT EXISTS (SELECT FROM webhook_endpoint WHERE enabled);

-- name: webhook_lane_again
-- Something waits for an endpoint that is on, to be sent now. $1 endpoint, $2 resource
INSERT INTO webhook_lane AS l (endpoint_id, resource_id)
SELECT endpoint_id, $2 FROM webhook_endpoint WHERE endpoint_id = $1 AND enabled
ON CONFLICT (endpoint_id, resource_id) DO UPDATE
   SET told = l.told + 1, due_at = CASE WHEN l.token IS NULL THEN now() ELSE l.due_at END
RETURNING endpoint_id;

-- name: tell_webhooks
-- A message to endpoints; one that was sent before is sent again. $1 endpoints, $2 server, $3 account, $4 message,
-- $5 type, $6-7 position, $8 part, $9 body for customers, $10 body for staff
INSERT INTO webhook_delivery AS d (endpoint_id, resource_id, account_id, message_id, type, tx, pos, part, body)
SELECT endpoint_id, $2, $3, $4, $5, $6::xid8, $7, $8, CASE WHEN account_id IS NULL THEN $10 ELSE $9 END
  FROM webhook_endpoint WHERE endpoint_id = ANY ($1::uuid[])
ON CONFLICT (endpoint_id, tx, pos, part) DO UPDATE SET state = 'pending', ended_at = NULL, body = EXCLUDED.body;

-- name: take_webhook_lane
-- The lane that has waited longest, ours for $1 seconds. $2 endpoints that are busy enough
UPDATE webhook_lane l SET token = gen_random_uuid(), due_at = now() + make_interval(secs => $1)
  FROM (SELECT endpoint_id, resource_id FROM webhook_lane
         WHERE due_at <= now() AND NOT endpoint_id = ANY ($2::uuid[])
         ORDER BY due_at LIMIT 1
           FOR UPDATE SKIP LOCKED) AS next
 WHERE l.endpoint_id = next.endpoint_id AND l.resource_id = next.resource_id
RETURNING l.endpoint_id, l.resource_id, l.told, l.token, l.attempts,
          coalesce(extract(epoch FROM now() - l.since), 0)::float8 AS age;

-- name: webhook_head
-- What is sent next in a lane, and where to. $1 endpoint, $2 resource
SELECT d.delivery_id, d.message_id, d.type, d.body, e.endpoint_id, e.account_id, e.url, e.secret, e.old_secret,
       e.old_until, e.created_by, coalesce(extract(epoch FROM now() - e.failing_since), 0)::float8 AS failing
  FROM webhook_delivery d JOIN webhook_endpoint e USING (endpoint_id)
 WHERE d.endpoint_id = $1 AND d.resource_id = $2 AND d.state = 'pending'
 ORDER BY d.tx, d.pos, d.part
 LIMIT 1;

-- name: hold_webhook_lane
-- Whether a lane is still ours. $1 endpoint, $2 resource, $3 token
SELECT 1 FROM webhook_lane WHERE endpoint_id = $1 AND resource_id = $2 AND token = $3 FOR UPDATE;

-- name: end_webhook_lane
-- Nothing waits there any more, and nothing was added since it was taken. $1 endpoint, $2 resource, $3 told
DELETE FROM webhook_lane l
 WHERE endpoint_id = $1 AND resource_id = $2 AND told = $3
   AND NOT EXISTS (SELECT FROM webhook_delivery d
                    WHERE d.endpoint_id = $1 AND d.resource_id = $2 AND d.state = 'pending')
RETURNING endpoint_id;

-- name: webhook_lane_goes_on
-- The next of the lane may go. $1 endpoint, $2 resource
UPDATE webhook_lane SET due_at = now(), token = NULL, attempts = 0, since = NULL
 WHERE endpoint_id = $1 AND resource_id = $2;

-- name: webhook_lane_waits
-- The same again, later. $1 endpoint, $2 resource, $3 seconds
UPDATE webhook_lane
   SET due_at = now() + make_interval(secs => $3), token = NULL, attempts = attempts + 1, since = coalesce(since, now())
 WHERE endpoint_id = $1 AND resource_id = $2;

-- name: webhook_attempted
-- What came of sending a message. $1 delivery, $2 status, $3 milliseconds, $4 error, $5 answer, $6 state from now on
WITH attempt AS (
    INSERT INTO webhook_attempt (delivery_id, status, duration_ms, error, answer) VALUES ($1, $2, $3, $4, $5)
)
UPDATE webhook_delivery
   SET attempts = attempts + 1, status = $2, state = $6, ended_at = CASE WHEN $6 <> 'pending' THEN clock_timestamp() END
 WHERE delivery_id = $1;

-- name: webhook_heard
-- An endpoint takes what it is sent. $1 endpoint
UPDATE webhook_endpoint SET failing_since = NULL WHERE endpoint_id = $1 AND failing_since IS NOT NULL;

-- name: webhook_fails
-- An endpoint did not take something. $1 endpoint
UPDATE webhook_endpoint SET failing_since = now() WHERE endpoint_id = $1 AND failing_since IS NULL;

-- name: stream_length
-- How many events a stream has. $1 stream
SELECT coalesce(max(version), 0) FROM event WHERE stream_id = $1;

-- name: stop_webhook
-- Nothing is sent there any more; what waits is kept. $1 endpoint, $2 why (null: somebody wants it so)
WITH lanes AS (
    UPDATE webhook_lane SET due_at = 'infinity', token = NULL WHERE endpoint_id = $1
)
UPDATE webhook_endpoint SET enabled = false, disabled_why = $2 WHERE endpoint_id = $1 AND enabled RETURNING endpoint_id;

-- name: start_webhook
-- It is sent what waits, and what happens from now on. $1 endpoint
WITH lanes AS (
    UPDATE webhook_lane SET due_at = now(), token = NULL, attempts = 0, since = NULL WHERE endpoint_id = $1
)
UPDATE webhook_endpoint SET enabled = true, disabled_why = NULL, failing_since = NULL WHERE endpoint_id = $1;

-- name: webhooks
-- An account's endpoints, or those of staff, newest first. $1 account (null: staff), $2 this one alone (or null)
SELECT e.*, r.endpoint_id IS NOT NULL AS replaying,
       (SELECT count(*) FROM webhook_delivery d WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending') AS waiting
  FROM webhook_endpoint e LEFT JOIN webhook_replay r USING (endpoint_id)
 WHERE e.account_id IS NOT DISTINCT FROM $1 AND ($2::uuid IS NULL OR e.endpoint_id = $2)
 ORDER BY e.created_at DESC, e.endpoint_id DESC;

-- name: new_webhook
-- An endpoint, unless there are enough. $1 id, $2 account, $3 url, $4 description, $5 events, $6 sealed secret, $7 who,
-- $8 most
INSERT INTO webhook_endpoint (endpoint_id, account_id, url, description, events, secret, created_by)
SELECT $1, $2, $3, $4, $5, $6, $7
 WHERE (SELECT count(*) FROM webhook_endpoint WHERE account_id IS NOT DISTINCT FROM $2) < $8
RETURNING endpoint_id;

-- name: change_webhook
-- What is null stays as it is. $1 endpoint, $2 url, $3 description, $4 events
UPDATE webhook_endpoint
   SET url = coalesce($2, url), description = coalesce($3, description), events = coalesce($4::text[], events)
 WHERE endpoint_id = $1;

-- name: drop_webhook
-- An endpoint and all that waited for it. $1 account (null: staff), $2 endpoint
DELETE FROM webhook_endpoint WHERE account_id IS NOT DISTINCT FROM $1 AND endpoint_id = $2 RETURNING endpoint_id;

-- name: rotate_webhook_secret
-- A new secret; both sign for some time. $1 endpoint, $2 sealed secret, $3 hours
UPDATE webhook_endpoint SET old_secret = secret, old_until = now() + make_interval(hours => $3), secret = $2
 WHERE endpoint_id = $1;

-- name: webhook_deliveries
-- What an endpoint was sent, newest first. $1 endpoint, $2 state, $3 type (null: all), $4 and $5 after which, $6 limit
SELECT delivery_id, message_id, type, resource_id, tx, pos, part, state, attempts, status, created_at, ended_at
  FROM webhook_delivery
 WHERE endpoint_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR type = $3)
   AND ($4::timestamptz IS NULL OR (created_at, delivery_id) < ($4, $5::uuid))
 ORDER BY created_at DESC, delivery_id DESC
 LIMIT $6;

-- name: webhook_delivery
-- One of them with its body. $1 endpoint, $2 delivery
SELECT * FROM webhook_delivery WHERE endpoint_id = $1 AND delivery_id = $2;

-- name: webhook_attempts
-- When a message was sent, and what came of it, newest first. $1 delivery, $2 limit
SELECT at, status, duration_ms, error, answer FROM webhook_attempt WHERE delivery_id = $1 ORDER BY at DESC LIMIT $2;

-- name: new_webhook_ping
-- A message for trying out; none within $5 seconds of the last. $1 delivery, $2 endpoint, $3 type, $4 body
INSERT INTO webhook_delivery (delivery_id, endpoint_id, resource_id, message_id, type, body, state, ended_at)
SELECT $1, $2, $2, $1, $3, $4, 'failed', now()
 WHERE NOT EXISTS (SELECT FROM webhook_delivery
                    WHERE endpoint_id = $2 AND resource_id = $2 AND created_at > now() - make_interval(secs => $5))
RETURNING delivery_id;

-- name: redeliver_webhook
-- The same again. $1 delivery
UPDATE webhook_delivery SET state = 'pending', ended_at = NULL WHERE delivery_id = $1;

-- name: begin_webhook_replay
-- Everything after a position is told again. $1 endpoint, $2-3 after which position, $4-5 until which
INSERT INTO webhook_replay AS r (endpoint_id, tx, pos, until_tx, until_pos) VALUES ($1, $2::xid8, $3, $4::xid8, $5)
ON CONFLICT (endpoint_id) DO UPDATE
   SET tx = EXCLUDED.tx, pos = EXCLUDED.pos, until_tx = EXCLUDED.until_tx, until_pos = EXCLUDED.until_pos;

-- name: webhook_replays
-- Endpoints that are told again. $1 limit
SELECT r.*, e.account_id, e.events FROM webhook_replay r JOIN webhook_endpoint e USING (endpoint_id)
 ORDER BY r.endpoint_id LIMIT $1;

-- name: webhook_replayed
-- It goes on from where it was; no row when another process was faster. $1 endpoint, $2-3 where it was, $4-5 where it is
UPDATE webhook_replay SET tx = $4::xid8, pos = $5
 WHERE endpoint_id = $1 AND tx = $2::xid8 AND pos = $3 RETURNING endpoint_id;

-- name: end_webhook_replay
-- All was told; no row when another process was faster. $1 endpoint, $2-3 where it was
DELETE FROM webhook_replay WHERE endpoint_id = $1 AND tx = $2::xid8 AND pos = $3 RETURNING endpoint_id;

-- name: happened_to_account
-- What happened to the servers an account has or had, in the order of the log. $1 account, $2-3 after which position,
-- $4-5 until which, $6 limit
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE e.stream_id IN (SELECT server_id FROM server_view WHERE account_id = $1)
   AND (e.tx, e.pos) > ($2::xid8, $3::bigint) AND (e.tx, e.pos) <= ($4::xid8, $5::bigint)
 ORDER BY e.tx, e.pos
 LIMIT $6;
