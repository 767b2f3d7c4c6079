-- What a billing system wants of a service, and whether the server is so already
BEGIN;

DROP TABLE billing_service;

COMMIT;
