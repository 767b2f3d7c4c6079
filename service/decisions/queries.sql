-- name: decisions
-- What people decided, newest first; what followed a policy, or happened by itself, is none of it. $1 and $2 after which
-- place of the log (or null), $3 limit
SELECT e.tx, e.pos, e.stream_id, e.version, e.type, e.schema_v, e.data, e.meta, e.at, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version)
 WHERE e.type IN ('installation.effects_paused', 'installation.effects_resumed', 'installation.removals_let_through',
                  'installation.suspensions_let_through', 'installation.restored', 'cluster.maintenance_begun',
                  'cluster.maintenance_ended', 'cluster.mode_changed', 'cluster.removal_requested', 'cluster.stray_ended',
                  'server.drift_ended')
   AND (e.meta #>> '{actor,type}' = 'user' OR e.meta #>> '{actor,id}' LIKE 'hostler-admin%')
   AND coalesce(e.data ->> 'how', '') NOT IN ('gone', 'repaired')
   AND ($1::xid8 IS NULL OR (e.tx, e.pos) < ($1::xid8, $2::bigint))
 ORDER BY e.tx DESC, e.pos DESC
 LIMIT $3;
