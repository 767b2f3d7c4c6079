-- Where an account, or all of staff, is told by HTTP of what happens, and what it is signed with
BEGIN;

DROP TABLE webhook_endpoint;

COMMIT;
