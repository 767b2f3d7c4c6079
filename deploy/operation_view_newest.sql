-- Index: everybody's operations, newest first
BEGIN;

CREATE INDEX operation_view_newest ON operation_view (created_at DESC, operation_id DESC);

COMMIT;
