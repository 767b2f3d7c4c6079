-- Which customers a billing system made or named, so that the same one is never made twice
BEGIN;

SELECT account_id, user_id, external_id, asked_by, request_id, created_at
  FROM billing_customer WHERE FALSE;

ROLLBACK;
