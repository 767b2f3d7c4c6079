-- Index: endpoints that take nothing, or were turned off by themselves
BEGIN;

CREATE INDEX webhook_endpoint_failing ON webhook_endpoint (created_at DESC, endpoint_id DESC)
    WHERE failing_since IS NOT NULL OR disabled_why IS NOT NULL;

COMMIT;
