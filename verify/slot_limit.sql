-- What was learned of how many heavy tasks at once a node, storage or template bears
BEGIN;

SELECT resource, allowed, lowered_at
  FROM slot_limit WHERE FALSE;

ROLLBACK;
