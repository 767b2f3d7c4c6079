-- A signed-in browser: its family of refresh tokens
BEGIN;

DROP TABLE session;

COMMIT;
