-- How far the log was followed by what tells others of it: letters and webhooks
BEGIN;

DROP TABLE follower;

COMMIT;
