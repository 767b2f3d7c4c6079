-- name: life_of
-- Everything that ever happened to streams, private parts joined. $1 streams
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p
       ON p.stream_id = e.stream_id AND p.version = e.version AND p.stream_id = ANY ($1::uuid[])
 WHERE e.stream_id = ANY ($1::uuid[])
 ORDER BY e.stream_id, e.version;

-- name: servers_of_account
-- The servers an account has or had, the newest first. $1 account, $2 limit
SELECT server_id FROM server_view WHERE account_id = $1 ORDER BY created_at DESC, server_id DESC LIMIT $2;

-- name: happened_since
-- What happened to streams after a time, newest first. $1 streams, $2 time, $3 and $4 before which place, $5 limit
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p
       ON p.stream_id = e.stream_id AND p.version = e.version AND p.stream_id = ANY ($1::uuid[])
 WHERE e.stream_id = ANY ($1::uuid[]) AND e.at > $2
   AND ($3::xid8 IS NULL OR (e.tx, e.pos) < ($3::xid8, $4::bigint))
 ORDER BY e.tx DESC, e.pos DESC
 LIMIT $5;

-- name: operation_types_of
-- What the operations of servers were. $1 servers
SELECT operation_id, type FROM operation_view WHERE server_id = ANY ($1::uuid[]);
