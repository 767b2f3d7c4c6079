-- Slots held by heavy tasks, and the queue for them; leases that are worth nothing after a crash of the database
BEGIN;

CREATE UNLOGGED TABLE slot (
    operation_id uuid PRIMARY KEY,
    stream_id uuid NOT NULL,
    account_id uuid NOT NULL,
    cluster text NOT NULL,
    resources text[] NOT NULL CHECK (cardinality(resources) > 0),
    granted boolean NOT NULL DEFAULT false,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_until timestamptz NOT NULL
);
CREATE INDEX slot_granted ON slot (cluster) WHERE granted;
CREATE INDEX slot_waiting ON slot (cluster, account_id, resources, asked_at, operation_id) WHERE NOT granted;
CREATE INDEX slot_lease ON slot (cluster, lease_until);

COMMIT;
