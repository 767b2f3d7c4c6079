-- How users want to see the list of servers again, by names of their own
BEGIN;

DROP TABLE saved_list;

COMMIT;
