-- name: ssh_keys
-- A user's keys, newest first. $1 user, $2 and $3 after which (or null), $4 limit
SELECT key_id, name, public_key, fingerprint, created_at FROM ssh_key
 WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, key_id) < ($2, $3::uuid))
 ORDER BY created_at DESC, key_id DESC
 LIMIT $4;

-- name: ssh_keys_named
-- Those of a user's keys that are named. $1 user, $2 keys
SELECT key_id, name, public_key, fingerprint, created_at FROM ssh_key WHERE user_id = $1 AND key_id = ANY ($2::uuid[]);

-- name: ssh_key_with
-- A user's key with a fingerprint. $1 user, $2 fingerprint
SELECT key_id, name FROM ssh_key WHERE user_id = $1 AND fingerprint = $2;

-- name: keep_ssh_key
-- A new key, unless the user has it already or has enough. $1 key, $2 user, $3 name, $4 public key, $5 fingerprint,
-- $6 most
INSERT INTO ssh_key (key_id, user_id, name, public_key, fingerprint)
SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM ssh_key WHERE user_id = $2) < $6
ON CONFLICT (user_id, fingerprint) DO NOTHING
RETURNING key_id, name, public_key, fingerprint, created_at;

-- name: rename_ssh_key
-- A key is called something else. $1 user, $2 key, $3 name
UPDATE ssh_key SET name = $3 WHERE user_id = $1 AND key_id = $2
RETURNING key_id, name, public_key, fingerprint, created_at;

-- name: drop_ssh_key
-- A key is kept no longer. $1 user, $2 key
DELETE FROM ssh_key WHERE user_id = $1 AND key_id = $2 RETURNING key_id;
