-- name: servers_by_status
-- How many servers stand how
SELECT status, count(*) AS number FROM server_view GROUP BY status ORDER BY number DESC, status;

-- name: unsettled_imports
-- Import runs whose servers have not all been looked for yet
SELECT count(*) FROM outbox WHERE category = 'import' AND error IS NULL;

-- name: database_exists
-- Whether a database of that name is there. $1 name
SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1);

-- name: login_exists
-- Whether somebody signs in with this address. $1 address in lower case
SELECT EXISTS (SELECT FROM login_name WHERE email = $1);
