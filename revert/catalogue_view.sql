-- View: plans, images and locations
BEGIN;

DROP TABLE catalogue_view;

COMMIT;
