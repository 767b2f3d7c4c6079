-- Index: an account's operations, newest first
BEGIN;

CREATE INDEX operation_view_account ON operation_view (account_id, created_at DESC, operation_id DESC);

COMMIT;
