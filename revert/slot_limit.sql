-- What was learned of how many heavy tasks at once a node, storage or template bears
BEGIN;

DROP TABLE slot_limit;

COMMIT;
