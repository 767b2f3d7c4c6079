-- How far the log was followed by what tells others of it, such as letters
BEGIN;

CREATE TABLE follower (
    name text PRIMARY KEY,
    tx xid8 NOT NULL,
    pos bigint NOT NULL
);

COMMIT;
