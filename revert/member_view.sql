-- View: who may act for an account, and as what
BEGIN;

DROP TABLE member_view;

COMMIT;
