-- A session shows where it was opened, when it was last used, and when its user last proved who they are
BEGIN;

SELECT address, user_agent, seen_at, proved_at
  FROM session WHERE FALSE;

ROLLBACK;
