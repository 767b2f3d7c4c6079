-- Claim: cores of nodes and GiB of storages that are promised, never more than a limit
BEGIN;

SELECT resource, most, promised
  FROM capacity WHERE FALSE;

ROLLBACK;
