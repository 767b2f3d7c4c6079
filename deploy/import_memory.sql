-- What an import read and found out, so that the next one need not when nothing changed
BEGIN;

CREATE TABLE import_memory (
    source text PRIMARY KEY,
    made_of bytea NOT NULL,
    known bytea NOT NULL,
    findings bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE import_memory ALTER COLUMN findings SET STORAGE EXTERNAL;

-- Who is erased is in no import's memory any more.
CREATE FUNCTION forget_import() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM import_memory;
    RETURN NULL;
END
$$;
CREATE TRIGGER forget_import AFTER DELETE ON event_private
    FOR EACH STATEMENT EXECUTE FUNCTION forget_import();

COMMIT;
