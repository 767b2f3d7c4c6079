-- name: views
-- A user's views, by name. $1 user
SELECT view_id, name, query, scope, created_at, updated_at FROM saved_list WHERE user_id = $1 ORDER BY name;

-- name: view
-- One of a user's views. $1 user, $2 view
SELECT view_id, name, query, scope, created_at, updated_at FROM saved_list WHERE user_id = $1 AND view_id = $2;

-- name: view_named
-- Which of a user's views has a name. $1 user, $2 name
SELECT view_id FROM saved_list WHERE user_id = $1 AND name = $2;

-- name: keep_view
-- A new view, unless the user has one of that name or has enough. $1 view, $2 user, $3 name, $4 query, $5 scope, $6 most
INSERT INTO saved_list (view_id, user_id, name, query, scope)
SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM saved_list WHERE user_id = $2) < $6
ON CONFLICT (user_id, name) DO NOTHING
RETURNING view_id, name, query, scope, created_at, updated_at;

-- name: replace_view
-- A view shows something else, or is called so. $1 user, $2 view, $3 name, $4 query, $5 scope
UPDATE saved_list SET name = $3, query = $4, scope = $5, updated_at = now() WHERE user_id = $1 AND view_id = $2
RETURNING view_id, name, query, scope, created_at, updated_at;

-- name: drop_view
-- A view is kept no longer. $1 user, $2 view
DELETE FROM saved_list WHERE user_id = $1 AND view_id = $2 RETURNING view_id;
