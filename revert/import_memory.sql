-- What an import read and found out, so that the next one need not when nothing changed
BEGIN;

DROP TRIGGER forget_import ON event_private;
DROP FUNCTION forget_import();
DROP TABLE import_memory;

COMMIT;
