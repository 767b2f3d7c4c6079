-- name: import_runs
-- Import runs, newest first. $1 and $2 after which place of the log (or null), $3 limit
SELECT s.stream_id, s.tx, s.pos, s.at, s.data,
       (SELECT min(f.at) FROM event f WHERE f.stream_id = s.stream_id AND f.type = 'import.finished') AS finished_at,
       (SELECT count(*) FROM event c WHERE c.stream_id = s.stream_id AND c.type = 'import.chunk_loaded') AS loaded,
       (SELECT count(*) FROM event c WHERE c.stream_id = s.stream_id AND c.type = 'import.chunk_linked') AS linked
  FROM event s
 WHERE s.type = 'import.started' AND ($1::xid8 IS NULL OR (s.tx, s.pos) < ($1::xid8, $2::bigint))
 ORDER BY s.tx DESC, s.pos DESC
 LIMIT $3;

-- name: servers_of_run
-- What became of servers, by state and reason, with the first few of each. $1 servers, $2 how many of each
SELECT became, code, detail, total, server_id, name, source_id, cluster, vmid
  FROM (SELECT *, count(*) OVER (PARTITION BY became, code) AS total,
               row_number() OVER (PARTITION BY became, code ORDER BY length(source_id), source_id) AS nth
          FROM (SELECT server_id, name, state ->> 'source_id' AS source_id,
                       coalesce(cluster, state #>> '{hint,cluster}') AS cluster,
                       coalesce(vmid, (state #>> '{hint,vmid}')::int) AS vmid,
                       state #>> '{declined,code}' AS code, state #>> '{declined,detail}' AS detail,
                       CASE WHEN (state ->> 'reverted')::boolean THEN 'reverted'
                            WHEN (state ->> 'adopted')::boolean THEN 'adopted'
                            WHEN state ->> 'declined' IS NULL THEN 'waiting' ELSE 'declined' END AS became
                  FROM server_view WHERE server_id = ANY ($1::uuid[])) AS server) AS numbered
 WHERE nth <= $2
 ORDER BY became, total DESC, code, nth;
