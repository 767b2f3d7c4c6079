-- A session in which staff act as its user says so
BEGIN;

SELECT impersonator FROM session WHERE FALSE;

ROLLBACK;
