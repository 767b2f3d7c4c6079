-- Claim: which stream an operation belongs to
BEGIN;

DROP TABLE operation_stream;

COMMIT;
