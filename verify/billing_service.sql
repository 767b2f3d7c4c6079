-- What a billing system wants of a service, and whether the server is so already
BEGIN;

SELECT external_id, server_id, desired, effective_at, begins_at, asked_by, request_id, placed, ended, due_at, token,
       problem, problem_code, created_at, updated_at
  FROM billing_service WHERE FALSE;

ROLLBACK;
