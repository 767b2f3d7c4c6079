-- Index: endpoints that take nothing, or were turned off by themselves
BEGIN;

DROP INDEX webhook_endpoint_failing;

COMMIT;
