-- How far each projection has read, as (tx, pos)
BEGIN;

DROP TABLE checkpoint;

COMMIT;
