-- What opens a console once, soon after it was given
BEGIN;

SELECT ticket_hash, session_id, user_id, server_id, origin, expires_at
  FROM console_ticket WHERE FALSE;

ROLLBACK;
