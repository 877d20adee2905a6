-- code.sql - redemption codes.

-- :code_add
INSERT INTO code (hash, hint, name, amount_nusd, actor, created_ms, expires_ms)
VALUES (:hash, :hint, :name, :amount, :actor, :now_ms, :expires_ms);

-- :code_list
SELECT * FROM (
    SELECT c.id, c.hint, c.name, c.amount_nusd, c.enabled, c.actor,
           c.created_ms, c.expires_ms, c.used_ms, c.user_id, c.txn_id,
           u.name AS user,
           CASE WHEN c.used_ms <> 0 THEN 'used'
                WHEN c.enabled = 0 THEN 'disabled'
                WHEN c.expires_ms <> 0 AND c.expires_ms <= :now_ms
                THEN 'expired'
                ELSE 'open' END AS state
      FROM code c
      LEFT JOIN user u ON u.id = c.user_id)
 WHERE (:name IS NULL OR name = :name)
   AND (:state IS NULL OR state = :state)
 ORDER BY id DESC;

-- :code_disable
UPDATE code
   SET enabled = 0
 WHERE used_ms = 0
   AND CASE WHEN :name IS NULL THEN id = :id ELSE name = :name END;

-- :code_is_there
SELECT EXISTS (SELECT 1 FROM code
                WHERE CASE WHEN :name IS NULL THEN id = :id
                           ELSE name = :name END);

-- :code_find
SELECT id, name, amount_nusd, enabled, expires_ms, used_ms
  FROM code
 WHERE hash = :hash;

-- :code_use
UPDATE code
   SET used_ms = :now_ms, user_id = :user_id, txn_id = :txn_id
 WHERE id = :id AND used_ms = 0;
