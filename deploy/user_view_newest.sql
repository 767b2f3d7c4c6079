-- Index: users, newest first
BEGIN;

CREATE INDEX user_view_newest ON user_view (created_at DESC, user_id DESC);

COMMIT;
