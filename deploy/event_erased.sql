-- Index: the streams whose personal data was erased: no import brings it back
BEGIN;

CREATE INDEX event_erased ON event (stream_id)
    WHERE type IN ('account.erased', 'user.erased', 'server.owner_erased');

COMMIT;
