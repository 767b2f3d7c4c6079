-- Personal data and free text of an event, erasable without touching the log
BEGIN;

CREATE TABLE event_private (
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    subject_id uuid NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (stream_id, version)
);
CREATE INDEX event_private_subject ON event_private (subject_id);

COMMIT;
