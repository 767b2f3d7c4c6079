-- Where an account, or all of staff, is told by HTTP of what happens, and what it is signed with
BEGIN;

SELECT endpoint_id, account_id, url, description, events, secret, old_secret, old_until, enabled, disabled_why, failing_since,
       created_by, created_at
  FROM webhook_endpoint WHERE FALSE;

ROLLBACK;
