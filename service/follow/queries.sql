-- name: follower
-- How far a follower is. $1 name
SELECT tx, pos FROM follower WHERE name = $1;

-- name: begin_following
-- What happened before is not told. $1 name, $2 and $3 the end of the log
INSERT INTO follower (name, tx, pos) VALUES ($1, $2::xid8, $3) ON CONFLICT (name) DO NOTHING;

-- name: followed
-- It goes on from where it was; no row when another process was faster. $1 name, $2-3 where it was, $4-5 where it is
UPDATE follower SET tx = $4::xid8, pos = $5 WHERE name = $1 AND tx = $2::xid8 AND pos = $3 RETURNING name;
