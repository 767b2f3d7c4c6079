-- What a link in a letter opens, once, for a time
BEGIN;

DROP TABLE one_time_link;

COMMIT;
