-- What an import read and found out, so that the next one need not when nothing changed
BEGIN;

SELECT source, made_of, known, findings, at FROM import_memory WHERE FALSE;
SELECT 1 / count(*) FROM pg_trigger WHERE tgname = 'forget_import' AND tgrelid = 'event_private'::regclass;

ROLLBACK;
