-- Index: accounts, newest first
BEGIN;

CREATE INDEX account_view_newest ON account_view (created_at DESC, account_id DESC);

COMMIT;
