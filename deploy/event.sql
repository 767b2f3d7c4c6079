-- What happened, once and for ever, ordered by (tx, pos)
BEGIN;

CREATE TABLE event (
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    pos bigint GENERATED ALWAYS AS IDENTITY,
    stream_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    type text NOT NULL,
    schema_v smallint NOT NULL CHECK (schema_v > 0),
    data json NOT NULL,
    meta json NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tx, pos),
    CONSTRAINT event_stream_version UNIQUE (stream_id, version)
);

COMMIT;
