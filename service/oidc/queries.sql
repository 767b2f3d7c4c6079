-- name: linked_user
-- Whom a provider means by a name of its own. $1 issuer, $2 subject
SELECT user_id FROM oidc_identity WHERE issuer = $1 AND subject = $2;

-- name: user_of_address
-- Who signs in with an address. $1 address in lower case
SELECT user_id FROM login_name WHERE email = $1;

-- name: link
-- From now on the provider's name means this user. $1 issuer, $2 subject, $3 user
INSERT INTO oidc_identity (issuer, subject, user_id) VALUES ($1, $2, $3);
