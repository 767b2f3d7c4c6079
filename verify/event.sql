-- What happened, once and for ever, ordered by (tx, pos)
BEGIN;

SELECT tx, pos, stream_id, version, type, schema_v, data, meta, at
  FROM event WHERE FALSE;

ROLLBACK;
