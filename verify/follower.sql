-- How far the log was followed by what tells others of it: letters and webhooks
BEGIN;

SELECT name, tx, pos
  FROM follower WHERE FALSE;

ROLLBACK;
