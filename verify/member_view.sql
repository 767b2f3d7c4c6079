-- View: who may act for an account, and as what
BEGIN;

SELECT account_id, user_id, role
  FROM member_view WHERE FALSE;

ROLLBACK;
