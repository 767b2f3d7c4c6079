-- View: one row per operation of a server
BEGIN;

DROP TABLE operation_view;

COMMIT;
