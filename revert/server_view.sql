-- View: one row per server, folded from its stream
BEGIN;

DROP TABLE server_view;

COMMIT;
