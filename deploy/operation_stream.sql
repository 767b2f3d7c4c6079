-- Claim: which stream an operation belongs to
BEGIN;

CREATE TABLE operation_stream (
    operation_id uuid PRIMARY KEY,
    stream_id uuid NOT NULL
);

COMMIT;
