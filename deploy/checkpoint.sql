-- How far each projection has read, as (tx, pos)
BEGIN;

CREATE TABLE checkpoint (
    projection text PRIMARY KEY,
    tx xid8 NOT NULL,
    pos bigint NOT NULL,
    code_v integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

COMMIT;
