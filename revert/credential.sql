-- How a user proves who they are; replaced, never logged
BEGIN;

DROP TABLE credential;

COMMIT;
