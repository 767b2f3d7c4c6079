-- name: session_of
-- Whether a session, or an API token, goes on. $1 its id
SELECT true FROM session WHERE session_id = $1 AND ended_at IS NULL AND expires_at > now()
UNION ALL
SELECT true FROM api_token WHERE token_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- name: credential_of
-- How a user signs in, by e-mail address. $1 address in lower case
SELECT l.user_id, c.scheme, c.hash
  FROM login_name l JOIN credential c USING (user_id)
 WHERE l.email = $1 AND (c.legacy_expires_at IS NULL OR c.legacy_expires_at > now());

-- name: replace_credential
-- A password proved right and was hashed anew, unless it was changed meanwhile. $1 user, $2 scheme, $3 hash, $4 old hash
UPDATE credential SET scheme = $2, hash = $3, legacy_expires_at = NULL, changed_at = now()
 WHERE user_id = $1 AND hash = $4;

-- name: throttled
-- Seconds until another attempt is taken, or no row. $1 key, $2 free failures, $3 longest delay in seconds
SELECT ceil(extract(epoch FROM last_at + make_interval(secs => least($3::float8, 2 ^ least(failures - $2, 30))) - now()))::int
           AS seconds
  FROM login_attempt
 WHERE key = $1 AND failures >= $2
   AND last_at + make_interval(secs => least($3::float8, 2 ^ least(failures - $2, 30))) > now();

-- name: failed_attempt
-- One more failure; an hour of peace forgives the old ones. $1 key
INSERT INTO login_attempt AS a (key, failures, last_at) VALUES ($1, 1, now())
ON CONFLICT (key) DO UPDATE
   SET failures = CASE WHEN a.last_at < now() - interval '1 hour' THEN 1 ELSE a.failures + 1 END, last_at = now();

-- name: forgive_attempts
-- The right password came: start counting anew. $1 key
DELETE FROM login_attempt WHERE key = $1;

-- name: open_session
-- A session and its first refresh token. $1 session, $2 user, $3 seconds it may last, $4 hash of the token, $5 address,
-- $6 what the browser calls itself
WITH opened AS (
    INSERT INTO session (session_id, user_id, expires_at, address, user_agent)
    VALUES ($1, $2, now() + make_interval(secs => $3), $5::inet, $6)
    RETURNING session_id
)
INSERT INTO refresh_token (token_hash, session_id) SELECT $4, session_id FROM opened;

-- name: refresh_token
-- A refresh token, locked, with the state of its session. $1 hash of the token, $2 seconds a replaced one still holds
SELECT t.session_id, s.user_id,
       s.ended_at IS NULL AND s.expires_at > now() AS open,
       t.replaced_at IS NOT NULL AS replaced,
       t.replaced_at IS NOT NULL AND t.replaced_at < now() - make_interval(secs => $2) AS late,
       extract(epoch FROM s.expires_at - now())::int AS seconds
  FROM refresh_token t JOIN session s USING (session_id)
 WHERE t.token_hash = $1
   FOR UPDATE OF t;

-- name: replace_refresh_token
-- Rotation: the old token names its successor. $1 hash, $2 hash of the successor, $3 session
WITH replaced AS (
    UPDATE refresh_token SET replaced_at = now(), successor = $2 WHERE token_hash = $1
), seen AS (
    UPDATE session SET seen_at = now() WHERE session_id = $3
)
INSERT INTO refresh_token (token_hash, session_id) VALUES ($2, $3);

-- name: end_session
-- Sign out, or a stolen token: every token of the session is worthless, and every process hears of it. $1 session
WITH ended AS (
    UPDATE session SET ended_at = now() WHERE session_id = $1 AND ended_at IS NULL RETURNING session_id
)
SELECT pg_notify('hostler_session', session_id::text) FROM ended;

-- name: end_sessions
-- End a user's sessions but for one, and tell every process. $1 user, $2 the session that stays, or null
WITH ended AS (
    UPDATE session SET ended_at = now()
     WHERE user_id = $1 AND ended_at IS NULL AND session_id IS DISTINCT FROM $2 RETURNING session_id
)
SELECT session_id, pg_notify('hostler_session', session_id::text) FROM ended;

-- name: sessions_of
-- A user's open sessions, the latest first. $1 user
SELECT session_id, created_at, seen_at, expires_at, host(address) AS address, user_agent,
       impersonator IS NOT NULL AS by_staff
  FROM session WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
 ORDER BY seen_at DESC, session_id
 LIMIT 200;

-- name: session_user
-- Whose open session it is. $1 session
SELECT user_id FROM session WHERE session_id = $1 AND ended_at IS NULL AND expires_at > now();

-- name: proved
-- The user has just proved again who they are. $1 session
UPDATE session SET proved_at = now() WHERE session_id = $1;

-- name: has_proved
-- Whether the session's user proved who they are within $2 seconds. $1 session
SELECT proved_at > now() - make_interval(secs => $2) FROM session WHERE session_id = $1;

-- name: claim_login_name
-- An e-mail address signs in one user. $1 address in lower case, $2 user
INSERT INTO login_name (email, user_id) VALUES ($1, $2);

-- name: new_credential
-- How a user proves who they are. $1 user, $2 scheme, $3 hash
INSERT INTO credential (user_id, scheme, hash) VALUES ($1, $2, $3);

-- name: credential_by_id
-- How a user signs in, by id. $1 user
SELECT scheme, hash FROM credential WHERE user_id = $1;

-- name: put_credential
-- A password chosen anew. $1 user, $2 scheme, $3 hash
UPDATE credential SET scheme = $2, hash = $3, legacy_expires_at = NULL, changed_at = now() WHERE user_id = $1;

-- name: second_factor
-- A user's second factor. $1 user
SELECT secret, confirmed_at IS NOT NULL AS confirmed, last_step,
       (SELECT count(*) FROM recovery_code r WHERE r.user_id = t.user_id AND r.used_at IS NULL) AS recovery_codes_left
  FROM two_factor t WHERE user_id = $1;

-- name: offer_second_factor
-- A secret that is not confirmed yet; it replaces one that never was. No row when there is a confirmed one. $1 user, $2
-- sealed secret
INSERT INTO two_factor AS t (user_id, secret) VALUES ($1, $2)
ON CONFLICT (user_id) DO UPDATE SET secret = $2, created_at = now(), last_step = 0 WHERE t.confirmed_at IS NULL
RETURNING user_id;

-- name: confirm_second_factor
-- The first right code. $1 user, $2 its time step
UPDATE two_factor SET confirmed_at = now(), last_step = $2 WHERE user_id = $1 AND confirmed_at IS NULL RETURNING user_id;

-- name: use_step
-- A code holds once: no row when its time step, or a later one, was used. $1 user, $2 time step
UPDATE two_factor SET last_step = $2 WHERE user_id = $1 AND last_step < $2 RETURNING user_id;

-- name: drop_second_factor
-- Signing in takes the password alone again. $1 user
DELETE FROM two_factor WHERE user_id = $1 RETURNING user_id;

-- name: put_recovery_codes
-- New recovery codes in place of all there were. $1 user, $2 hashes
WITH gone AS (
    DELETE FROM recovery_code WHERE user_id = $1 AND code_hash <> ALL ($2::bytea[])
)
INSERT INTO recovery_code (user_id, code_hash) SELECT $1, unnest($2::bytea[]);

-- name: use_recovery_code
-- A recovery code holds once: no row when it is none, or was used. $1 user, $2 hash
UPDATE recovery_code SET used_at = now() WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL RETURNING user_id;

-- name: new_api_token
-- A token of a user. $1 id, $2 user, $3 hash, $4 name, $5 scopes, $6 networks, $7 when it ends, or null
INSERT INTO api_token (token_id, user_id, token_hash, name, scopes, networks, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING created_at;

-- name: api_tokens_of
-- A user's tokens that are not revoked, the newest first. $1 user
SELECT token_id, name, scopes, networks, created_at, expires_at, last_used_at, host(last_used_from) AS last_used_from
  FROM api_token WHERE user_id = $1 AND revoked_at IS NULL
 ORDER BY created_at DESC, token_id;

-- name: api_token
-- The token with this hash, if it holds. $1 hash
SELECT t.token_id, t.user_id, t.scopes, t.networks, t.expires_at
  FROM api_token t
 WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now());

-- name: used_api_token
-- Keep when and from where a token was last used, once a minute at most. $1 token, $2 address, or null
UPDATE api_token SET last_used_at = now(), last_used_from = $2::inet
 WHERE token_id = $1
   AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute' OR last_used_from IS DISTINCT FROM $2::inet);

-- name: revoke_api_token
-- A token that holds no more; every process hears of it. $1 token, $2 user
WITH revoked AS (
    UPDATE api_token SET revoked_at = now() WHERE token_id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING token_id
)
SELECT token_id, pg_notify('hostler_session', token_id::text) FROM revoked;

-- name: user_of_login
-- Who signs in with an address. $1 address in lower case
SELECT user_id FROM login_name WHERE email = $1;

-- name: new_link
-- What a link in a letter opens; older ones of the same purpose open nothing any more. $1 hash, $2 purpose, $3 user, $4
-- seconds
WITH older AS (
    UPDATE one_time_link SET used_at = now() WHERE user_id = $3 AND purpose = $2 AND used_at IS NULL
)
INSERT INTO one_time_link (token_hash, purpose, user_id, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4));

-- name: user_of_link
-- Whose link it is, while it holds. $1 hash, $2 purpose
SELECT user_id FROM one_time_link WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > now();

-- name: use_link
-- A link holds once. $1 hash, $2 purpose
UPDATE one_time_link SET used_at = now()
 WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > now() RETURNING user_id;

-- name: signing_keys
-- The keys of access tokens, the newest first: the one that signs, and those that hold until their tokens have ended
SELECT kid, public, sealed, ends_at FROM signing_key WHERE ends_at IS NULL OR ends_at > now() ORDER BY created_at DESC;

-- name: all_signing_keys
-- Every key there ever was, the newest first.
SELECT kid, created_at, ends_at, ends_at IS NULL OR ends_at > now() AS holds FROM signing_key ORDER BY created_at DESC;

-- name: first_signing_key
-- The first key, unless somebody was faster. $1 kid, $2 public part, $3 sealed private part
INSERT INTO signing_key (kid, public, sealed)
SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM signing_key)
ON CONFLICT DO NOTHING;

-- name: lock_signing_keys
-- One rotation at a time; readers go on.
LOCK TABLE signing_key IN EXCLUSIVE MODE;

-- name: retire_signing_keys
-- Nobody signs with them any more, and they hold for $1 seconds at most: their private parts are gone.
UPDATE signing_key SET sealed = NULL, ends_at = least(ends_at, now() + make_interval(secs => $1))
 WHERE ends_at IS NULL OR ends_at > now();

-- name: next_signing_key
-- The key that signs from now on; every process hears of it. $1 kid, $2 public part, $3 sealed private part
WITH added AS (
    INSERT INTO signing_key (kid, public, sealed, created_at) VALUES ($1, $2, $3, clock_timestamp()) RETURNING kid
)
SELECT pg_notify('hostler_session', 'keys') FROM added;
