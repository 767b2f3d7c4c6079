-- One use of a session's right to a new access token
BEGIN;

DROP TABLE refresh_token;

COMMIT;
