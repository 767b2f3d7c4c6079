-- Each time a message was sent, and what came back
BEGIN;

DROP TABLE webhook_attempt;

COMMIT;
