-- What stands in for a lost second factor, each once
BEGIN;

SELECT user_id, code_hash, used_at
  FROM recovery_code WHERE FALSE;

ROLLBACK;
