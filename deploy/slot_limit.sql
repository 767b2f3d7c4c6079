-- What was learned of how many heavy tasks at once a node, storage or template bears
BEGIN;

CREATE TABLE slot_limit (
    resource text PRIMARY KEY,
    allowed float8 NOT NULL CHECK (allowed >= 1),
    lowered_at timestamptz NOT NULL
);

COMMIT;
