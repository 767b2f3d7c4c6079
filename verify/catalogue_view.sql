-- View: plans, images and locations
BEGIN;

SELECT item_id, kind, version, position, listed, state
  FROM catalogue_view WHERE FALSE;

ROLLBACK;
