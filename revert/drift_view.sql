-- View: how guests are not as the log says, one row per server and kind
BEGIN;

DROP TABLE drift_view;

COMMIT;
