-- Which customers a billing system made or named, so that the same one is never made twice
BEGIN;

DROP TABLE billing_customer;

COMMIT;
