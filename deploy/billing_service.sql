-- What a billing system wants of a service, and whether the server is so already
BEGIN;

CREATE TABLE billing_service (
    external_id text PRIMARY KEY,
    server_id uuid NOT NULL UNIQUE,
    desired json NOT NULL,
    effective_at timestamptz,
    begins_at timestamptz NOT NULL,
    asked_by uuid NOT NULL,
    request_id text NOT NULL,
    placed text[] NOT NULL DEFAULT '{}',
    ended boolean NOT NULL DEFAULT false,
    due_at timestamptz,
    token uuid,
    problem text,
    problem_code text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX billing_service_due ON billing_service (due_at) WHERE due_at IS NOT NULL;

COMMIT;
