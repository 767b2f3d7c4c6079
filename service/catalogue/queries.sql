-- name: staff_items
-- Items of a kind, offered or retired, in the operator's order. $1 kind, $2 listed (null: both), $3 and $4 after which
-- (or null), $5 limit
SELECT item_id, position, state FROM catalogue_view
 WHERE kind = $1 AND ($2::boolean IS NULL OR listed = $2)
   AND ($3::int IS NULL OR (position, item_id) > ($3, $4::uuid))
 ORDER BY position, item_id
 LIMIT $5;

-- name: last_position
-- The place of the last item of a kind that is offered. $1 kind
SELECT coalesce(max(position), -1) FROM catalogue_view WHERE kind = $1 AND listed;

-- name: in_use
-- How many servers have an item, and how many of them have no place yet. $1 kind, $2 item
SELECT count(*) FILTER (WHERE status <> 'terminated') AS servers,
       count(*) FILTER (WHERE status = 'provisioning' AND cluster IS NULL) AS waiting
  FROM server_view WHERE state->$1::text->>'id' = $2::uuid::text;
