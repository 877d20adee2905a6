-- request.sql - the request log.  Rows are written in ledger.sql; the view has
-- its columns in the order of store/request.c.

-- :request_list
-- The three differ in the index that finds the rows.
SELECT * FROM request_view
 WHERE id < :before_id
   AND id >= :first_id
   AND started_ms >= :since_ms
   AND :channel_id IN (0, channel_id)
   AND (:model = '' OR model_asked = :model OR model_served = :model)
   AND (:state = '' OR state = :state)
   AND (:error = '' OR error = :error)
   AND :user_id IN (0, user_id)
   AND :token_id IN (0, token_id)
 ORDER BY id DESC
 LIMIT :limit;

-- :request_list_user
SELECT * FROM request_view
 WHERE id < :before_id
   AND id >= :first_id
   AND started_ms >= :since_ms
   AND :channel_id IN (0, channel_id)
   AND (:model = '' OR model_asked = :model OR model_served = :model)
   AND (:state = '' OR state = :state)
   AND (:error = '' OR error = :error)
   AND user_id = :user_id
   AND :token_id IN (0, token_id)
 ORDER BY id DESC
 LIMIT :limit;

-- :request_list_token
SELECT * FROM request_view
 WHERE id < :before_id
   AND id >= :first_id
   AND started_ms >= :since_ms
   AND :channel_id IN (0, channel_id)
   AND (:model = '' OR model_asked = :model OR model_served = :model)
   AND (:state = '' OR state = :state)
   AND (:error = '' OR error = :error)
   AND :user_id IN (0, user_id)
   AND token_id = :token_id
 ORDER BY id DESC
 LIMIT :limit;

-- :request_find
SELECT * FROM request_view
 WHERE request_id = :request_id;

-- :request_newest
SELECT coalesce(max(id), 0) FROM request;

-- :request_start_at
-- When the first row from :id on began.
SELECT started_ms FROM request WHERE id >= :id ORDER BY id LIMIT 1;
