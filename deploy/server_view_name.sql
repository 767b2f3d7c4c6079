-- Index: servers by their names
BEGIN;

CREATE INDEX server_view_name ON server_view (name, server_id);

COMMIT;
