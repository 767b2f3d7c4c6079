-- What an operation must not forget and nobody may read; deleted once used
BEGIN;

SELECT operation_id, data, at
  FROM secret WHERE FALSE;

ROLLBACK;
