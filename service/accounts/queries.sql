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
