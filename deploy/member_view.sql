-- View: who may act for an account, and as what
BEGIN;

CREATE TABLE member_view (
    account_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    PRIMARY KEY (account_id, user_id)
);
CREATE INDEX member_view_user ON member_view (user_id);

COMMIT;
