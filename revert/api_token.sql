-- A token by which a program acts for a user, within scopes, networks and a time
BEGIN;

DROP TABLE api_token;

COMMIT;
