-- Claim: every removal of a guest that was let through, for counting over all orchestrators
BEGIN;

CREATE TABLE destruction (
    operation_id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX destruction_at ON destruction (at);

COMMIT;
