-- name: staff_users
-- Users, newest first. $1 pattern for address and name, $2 role, $3 and $4 after which, $5 limit
SELECT user_id, created_at, state FROM user_view
 WHERE ($1::text IS NULL OR lower(email) LIKE $1 OR lower(state->>'name') LIKE $1)
   AND ($2::text IS NULL OR role = $2)
   AND ($3::timestamptz IS NULL OR (created_at, user_id) < ($3, $4::uuid))
 ORDER BY created_at DESC, user_id DESC
 LIMIT $5;

-- name: ways_in
-- By what means a user signs in, and where they are signed in. $1 user
SELECT (SELECT scheme FROM credential WHERE user_id = $1) AS scheme,
       EXISTS (SELECT FROM two_factor WHERE user_id = $1 AND confirmed_at IS NOT NULL) AS two_factor,
       (SELECT count(*) FROM session WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
           AND impersonator IS NULL) AS sessions,
       (SELECT max(seen_at) FROM session WHERE user_id = $1 AND impersonator IS NULL) AS last_seen_at,
       (SELECT count(*) FROM api_token WHERE user_id = $1 AND revoked_at IS NULL
           AND (expires_at IS NULL OR expires_at > now())) AS api_tokens;

-- name: accounts_of_user
-- The accounts a user acts for. $1 user
SELECT m.account_id, m.role, a.name, a.status
  FROM member_view m LEFT JOIN account_view a USING (account_id)
 WHERE m.user_id = $1 ORDER BY a.created_at, m.account_id;

-- name: shut_out
-- A user's tokens are checked anew everywhere, their sessions being over. $1 user
SELECT token_id, pg_notify('hostler_session', token_id::text) FROM api_token WHERE user_id = $1 AND revoked_at IS NULL;

-- name: impersonate
-- A session in which staff act as a user; nothing was proved in it. $1 session, $2 user, $3 seconds, $4 address,
-- $5 what the browser calls itself, $6 who acts
INSERT INTO session (session_id, user_id, expires_at, address, user_agent, impersonator, proved_at)
VALUES ($1, $2, now() + make_interval(secs => $3), $4::inet, $5, $6, '-infinity');

-- name: end_impersonations
-- Sessions in which somebody acts as others are over. $1 who acts, $2 as whom (null: as anybody)
WITH ended AS (
    UPDATE session SET ended_at = now()
     WHERE impersonator = $1 AND ($2::uuid IS NULL OR user_id = $2) AND ended_at IS NULL RETURNING session_id
)
SELECT session_id, pg_notify('hostler_session', session_id::text) FROM ended;

-- name: staff_accounts
-- Accounts, newest first, with how many servers each has. $1 pattern for name and address, $2 status, $3 and $4 after
-- which, $5 limit
SELECT a.account_id, a.created_at, a.state,
       (SELECT count(*) FROM server_view s WHERE s.account_id = a.account_id AND s.status <> 'terminated') AS servers
  FROM account_view a
 WHERE ($1::text IS NULL OR lower(a.name) LIKE $1 OR lower(a.state->>'email') LIKE $1)
   AND ($2::text IS NULL OR a.status = $2)
   AND ($3::timestamptz IS NULL OR (a.created_at, a.account_id) < ($3, $4::uuid))
 ORDER BY a.created_at DESC, a.account_id DESC
 LIMIT $5;

-- name: notes_of
-- What staff wrote down about an account, and what of it they removed, oldest first. $1 account
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE e.stream_id = $1 AND e.type IN ('account.note_written', 'account.note_removed')
 ORDER BY e.version;

-- name: servers_of
-- An account's servers, newest first, those that are gone last. $1 account, $2 limit
SELECT server_id, state FROM server_view WHERE account_id = $1
 ORDER BY status = 'terminated', created_at DESC, server_id DESC LIMIT $2;

-- name: all_servers_of
-- Every server an account ever had, and whether it is gone. $1 account
SELECT server_id, name, status = 'terminated' AS gone FROM server_view WHERE account_id = $1 ORDER BY created_at, server_id;

-- name: only_here
-- The customers among an account's members who act for no other. $1 account
SELECT m.user_id FROM member_view m JOIN user_view u USING (user_id)
 WHERE m.account_id = $1 AND u.role = 'customer'
   AND NOT EXISTS (SELECT FROM member_view o WHERE o.user_id = m.user_id AND o.account_id <> $1)
 ORDER BY m.user_id;

-- name: erase
-- Personal data beside the log goes, and every way in of the users. $1 streams, $2 users, $3 account
WITH private AS (
    DELETE FROM event_private WHERE stream_id = ANY ($1::uuid[]) OR subject_id = ANY ($2::uuid[]) OR subject_id = $3
), secrets AS (
    DELETE FROM secret WHERE operation_id IN (
        SELECT o.operation_id FROM operation_stream o JOIN server_view v ON v.server_id = o.stream_id
         WHERE v.account_id = $3)
), attempts AS (
    DELETE FROM login_attempt
     WHERE key IN (SELECT email FROM login_name WHERE user_id = ANY ($2::uuid[]))
), invited AS (
    DELETE FROM invitation
     WHERE account_id = $3 OR email IN (SELECT email FROM login_name WHERE user_id = ANY ($2::uuid[]))
), wanted AS (
    DELETE FROM billing_service WHERE server_id = ANY ($1::uuid[])
), called AS (
    DELETE FROM billing_customer WHERE account_id = $3
), webhooks AS (
    DELETE FROM webhook_endpoint WHERE account_id = $3
), messages AS (
    DELETE FROM webhook_delivery WHERE account_id = $3
), names AS (
    DELETE FROM login_name WHERE user_id = ANY ($2::uuid[])
), keys AS (
    DELETE FROM ssh_key WHERE user_id = ANY ($2::uuid[])
), saved AS (
    DELETE FROM saved_list WHERE user_id = ANY ($2::uuid[])
), answers AS (
    DELETE FROM idempotency_key WHERE user_id = ANY ($2::uuid[])
), sessions AS (
    DELETE FROM session WHERE user_id = ANY ($2::uuid[]) RETURNING session_id
), means AS (
    DELETE FROM credential WHERE user_id = ANY ($2::uuid[])
)
SELECT session_id, pg_notify('hostler_session', session_id::text) FROM sessions;

-- name: happened
-- What happened to streams, oldest first, private parts joined. $1 streams
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p
       ON p.stream_id = e.stream_id AND p.version = e.version AND p.stream_id = ANY ($1::uuid[])
 WHERE e.stream_id = ANY ($1::uuid[])
 ORDER BY e.tx, e.pos;

-- name: kept_of_users
-- What is kept of users beside the log: keys, sessions, API tokens, saved views. $1 users
SELECT 'ssh_key' AS kind, user_id, json_build_object('name', name, 'public_key', public_key, 'at', created_at) AS kept
  FROM ssh_key WHERE user_id = ANY ($1::uuid[])
UNION ALL
SELECT 'session', user_id, json_build_object('address', host(address), 'user_agent', user_agent, 'at', created_at,
       'last_used_at', seen_at) FROM session WHERE user_id = ANY ($1::uuid[])
UNION ALL
SELECT 'api_token', user_id, json_build_object('name', name, 'scopes', scopes, 'at', created_at,
       'last_used_at', last_used_at, 'last_used_from', host(last_used_from))
  FROM api_token WHERE user_id = ANY ($1::uuid[])
UNION ALL
SELECT 'saved_view', user_id, json_build_object('name', name, 'query', query, 'scope', scope, 'at', created_at)
  FROM saved_list WHERE user_id = ANY ($1::uuid[]);

-- name: at
-- What time it is
SELECT clock_timestamp();
