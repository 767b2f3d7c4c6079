-- View: one row per account
BEGIN;

DROP TABLE account_view;

COMMIT;
