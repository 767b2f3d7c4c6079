-- What opens a console once, soon after it was given
BEGIN;

DROP TABLE console_ticket;

COMMIT;
