-- name: new_letter
-- A letter to be sent. $1 id, $2 kind, $3 sealed address and text
INSERT INTO letter (letter_id, kind, sealed) VALUES ($1, $2, $3);

-- name: take_letter
-- The letter that has waited longest, ours for $1 seconds
UPDATE letter SET attempts = attempts + 1, due_at = now() + make_interval(secs => $1)
 WHERE letter_id = (
    SELECT letter_id FROM letter WHERE sealed IS NOT NULL AND due_at <= now() ORDER BY due_at LIMIT 1
    FOR UPDATE SKIP LOCKED
 )
RETURNING letter_id, kind, sealed, attempts, extract(epoch FROM now() - created_at)::float8 AS age;

-- name: letter_sent
-- It is on its way; its text is not kept. $1 letter
UPDATE letter SET sealed = NULL, sent_at = now(), error = NULL WHERE letter_id = $1;

-- name: letter_waits
-- It could not be sent: again later. $1 letter, $2 seconds, $3 why
UPDATE letter SET due_at = now() + make_interval(secs => $2), error = $3 WHERE letter_id = $1;

-- name: letter_given_up
-- It cannot be sent. $1 letter, $2 why
UPDATE letter SET sealed = NULL, gave_up_at = now(), error = $2 WHERE letter_id = $1;

-- name: owners_addresses
-- Who is written to about an account: its owners who can sign in. $1 account
SELECT DISTINCT l.email FROM member_view m JOIN login_name l USING (user_id)
 WHERE m.account_id = $1 AND m.role = 'owner'
 ORDER BY l.email;

-- name: staff_addresses
-- Whom alarms are written to: administrators who can sign in.
SELECT l.email FROM user_view u JOIN login_name l USING (user_id) WHERE u.role = 'admin' ORDER BY l.email;
