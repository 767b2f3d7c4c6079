-- Column: what an import found out of each service, so that the next one maps only those that changed
BEGIN;

ALTER TABLE import_memory DROP COLUMN groups;

COMMIT;
