-- Claim: which stream an imported row became; a row is imported once
BEGIN;

CREATE TABLE source_key (
    source text NOT NULL,
    entity text NOT NULL,
    source_id text NOT NULL,
    stream_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    run_id uuid NOT NULL,
    PRIMARY KEY (source, entity, source_id)
);
CREATE INDEX source_key_stream ON source_key (stream_id);

COMMIT;
