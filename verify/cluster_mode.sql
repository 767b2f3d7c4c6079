-- Claim: which clusters staff have switched to be managed or only observed; the others are as the settings say
BEGIN;

SELECT cluster, mode
  FROM cluster_mode WHERE FALSE;

ROLLBACK;
