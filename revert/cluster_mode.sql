-- Claim: which clusters staff have switched to be managed or only observed; the others are as the settings say
BEGIN;

DROP TABLE cluster_mode;

COMMIT;
