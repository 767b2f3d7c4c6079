-- How far each projection has read, as (tx, pos)
BEGIN;

SELECT projection, tx, pos, code_v, at
  FROM checkpoint WHERE FALSE;

ROLLBACK;
