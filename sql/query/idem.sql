-- idem.sql - requests that must not run twice: the clients' Idempotency-Keys.

-- :idem_find
-- With what became of the request; state '': its row is gone.
SELECT i.request_id, i.body, i.created_ms, i.status, i.answer, i.type,
       coalesce(r.state, '') AS state, coalesce(r.error, '') AS error,
       coalesce(r.cost_nusd, 0) AS cost_nusd
  FROM idem i
  LEFT JOIN request r ON r.request_id = i.request_id
 WHERE i.token_id = :token_id AND i.key = :key;

-- :idem_add
INSERT INTO idem (token_id, key, body, request_id, created_ms)
VALUES (:token_id, :key, :body, :request_id, :created_ms);

-- :idem_end
UPDATE idem
   SET status = :status, answer = :answer, type = :type
 WHERE token_id = :token_id AND key = :key AND request_id = :request_id;

-- :idem_drop
DELETE FROM idem
 WHERE token_id = :token_id AND key = :key AND request_id = :request_id;

-- :idem_oldest
SELECT created_ms FROM idem ORDER BY created_ms LIMIT 1;

-- :idem_expire
DELETE FROM idem
 WHERE (token_id, key) IN (SELECT token_id, key FROM idem
                            WHERE created_ms < :before_ms
                            ORDER BY created_ms
                            LIMIT 500);
