-- name: new_console_ticket
-- A ticket for a console; those whose time is over go. $1 hash, $2 session, $3 user, $4 server, $5 origin, $6 seconds
WITH gone AS (
    DELETE FROM console_ticket WHERE expires_at < now()
)
INSERT INTO console_ticket (ticket_hash, session_id, user_id, server_id, origin, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
RETURNING expires_at;

-- name: redeem_console_ticket
-- A ticket holds once. $1 hash
DELETE FROM console_ticket WHERE ticket_hash = $1
RETURNING session_id, user_id, server_id, origin, expires_at > now() AS valid;
