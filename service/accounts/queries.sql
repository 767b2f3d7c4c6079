-- name: accounts
-- Accounts, newest first, with the user's role. $1 user, $2 also those they are no member of, $3 and $4 after which,
-- $5 limit
SELECT a.account_id, a.name, a.status, a.created_at, m.role
  FROM account_view a LEFT JOIN member_view m ON m.account_id = a.account_id AND m.user_id = $1
 WHERE ($2 OR a.account_id IN (SELECT account_id FROM member_view WHERE user_id = $1))
   AND ($3::timestamptz IS NULL OR (a.created_at, a.account_id) < ($3, $4::uuid))
 ORDER BY a.created_at DESC, a.account_id DESC
 LIMIT $5;

-- name: account_stream
-- An account as the view has it, and what happened to it since. $1 account
SELECT v.state, e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM (SELECT $1::uuid AS id) AS asked
  LEFT JOIN account_view v ON v.account_id = asked.id
  LEFT JOIN event e ON e.stream_id = asked.id AND e.version > coalesce(v.version, 0) AND e.type LIKE 'account.%'
  LEFT JOIN event_private p ON p.stream_id = e.stream_id AND p.version = e.version
 ORDER BY e.version;

-- name: new_invitation
-- An invitation; an older one of the same person is replaced by it. $1 id, $2 account, $3 address in lower case, $4 role,
-- $5 hash of what opens it, $6 who invites, $7 whether as staff, $8 seconds
INSERT INTO invitation AS i (invitation_id, account_id, email, role, token_hash, invited_by, by_staff, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
ON CONFLICT (account_id, email) WHERE ended_at IS NULL DO UPDATE
   SET invitation_id = $1, role = $4, token_hash = $5, invited_by = $6, by_staff = $7, created_at = now(),
       expires_at = EXCLUDED.expires_at
RETURNING created_at, expires_at;

-- name: invitations
-- Those that wait, newest first. $1 account, $2 and $3 after which, $4 limit
SELECT invitation_id, email, role, invited_by, created_at, expires_at FROM invitation
 WHERE account_id = $1 AND ended_at IS NULL AND expires_at > now()
   AND ($2::timestamptz IS NULL OR (created_at, invitation_id) < ($2, $3::uuid))
 ORDER BY created_at DESC, invitation_id DESC
 LIMIT $4;

-- name: end_invitation
-- It opens nothing any more. $1 invitation, $2 account
UPDATE invitation SET ended_at = now()
 WHERE invitation_id = $1 AND account_id = $2 AND ended_at IS NULL AND expires_at > now() RETURNING invitation_id;

-- name: opened_invitation
-- What a letter opens, while it holds. $1 hash
SELECT invitation_id, account_id, email, role, invited_by, by_staff, expires_at FROM invitation
 WHERE token_hash = $1 AND ended_at IS NULL AND expires_at > now();

-- name: signs_in
-- Whether somebody signs in with an address. $1 address in lower case
SELECT EXISTS (SELECT FROM login_name WHERE email = $1);
