-- View: one row per account
BEGIN;

SELECT account_id, version, name, status, created_at, state
  FROM account_view WHERE FALSE;

ROLLBACK;
