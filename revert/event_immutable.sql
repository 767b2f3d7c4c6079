-- Events are never changed, deleted or truncated
BEGIN;

DROP TRIGGER event_immutable ON event;
DROP FUNCTION event_immutable();

COMMIT;
