-- Claim: the cores and GiB each server was promised
BEGIN;

SELECT server_id, account_id, resource, amount
  FROM capacity_promise WHERE FALSE;

ROLLBACK;
