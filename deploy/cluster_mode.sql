-- Claim: which clusters staff have switched to be managed or only observed; the others are as the settings say
BEGIN;

CREATE TABLE cluster_mode (
    cluster text PRIMARY KEY,
    mode text NOT NULL CHECK (mode IN ('observe', 'manage'))
);

COMMIT;
