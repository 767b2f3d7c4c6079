-- Claim: which stream an operation belongs to
BEGIN;

SELECT operation_id, stream_id
  FROM operation_stream WHERE FALSE;

ROLLBACK;
