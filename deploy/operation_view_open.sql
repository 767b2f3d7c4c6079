-- Index: operations that have not ended, newest first
BEGIN;

CREATE INDEX operation_view_open ON operation_view (created_at DESC, operation_id DESC)
    WHERE status IN ('queued', 'running', 'needs_attention');

COMMIT;
