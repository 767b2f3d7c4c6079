-- View: one row per person who can sign in
BEGIN;

DROP TABLE user_view;

COMMIT;
