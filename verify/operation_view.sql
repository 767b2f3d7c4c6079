-- View: one row per operation of a server
BEGIN;

SELECT operation_id, server_id, account_id, version, type, status, created_at, state
  FROM operation_view WHERE FALSE;

ROLLBACK;
