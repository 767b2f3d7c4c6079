-- How users want to see the list of servers again, by names of their own
BEGIN;

SELECT view_id, user_id, name, query, scope, created_at, updated_at
  FROM saved_list WHERE FALSE;

ROLLBACK;
