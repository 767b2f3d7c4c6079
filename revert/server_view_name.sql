-- Index: servers by their names
BEGIN;

DROP INDEX server_view_name;

COMMIT;
