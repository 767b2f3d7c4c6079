-- The keys of access tokens: one signs and is kept sealed; of those it replaced only the public part is left
BEGIN;

CREATE TABLE signing_key (
    kid text PRIMARY KEY,
    public bytea NOT NULL,
    sealed bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz,
    CHECK ((sealed IS NULL) = (ends_at IS NOT NULL))
);
CREATE UNIQUE INDEX signing_key_that_signs ON signing_key ((true)) WHERE sealed IS NOT NULL;

COMMIT;
