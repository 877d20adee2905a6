-- channel.sql - the ways to providers.

-- :channel_add
INSERT INTO channel (name, provider, base_url, origin, enabled, priority,
                     weight, grps, allow, rpm, created_ms)
VALUES (:name, :provider, :base_url, :origin, :enabled, :priority, :weight,
        :grps, :allow, :rpm, :created_ms);

-- :channel_find
SELECT id, name, provider, base_url, origin, enabled, state, reason, priority,
       weight, grps, allow, rpm, created_ms
  FROM channel
 WHERE name = :name AND deleted_ms = 0;

-- :channel_get
SELECT id, name, provider, base_url, origin, enabled, state, reason, priority,
       weight, grps, allow, rpm, created_ms
  FROM channel
 WHERE id = :id AND deleted_ms = 0;

-- :channel_list
SELECT id, name, provider, base_url, origin, enabled, state, reason, priority,
       weight, grps, allow, rpm, created_ms
  FROM channel
 WHERE deleted_ms = 0
 ORDER BY priority DESC, id;

-- :channel_set
-- NULL, -1 and the least priority there is leave a column as it was.
UPDATE channel
   SET base_url = coalesce(:base_url, base_url),
       origin = coalesce(:origin, origin),
       grps = coalesce(:grps, grps),
       allow = coalesce(:allow, allow),
       state = coalesce(:state, state),
       reason = coalesce(:reason, reason),
       priority = CASE :priority WHEN -9223372036854775808 THEN priority
                  ELSE :priority END,
       weight = CASE :weight WHEN -1 THEN weight ELSE :weight END,
       rpm = CASE :rpm WHEN -1 THEN rpm ELSE :rpm END,
       enabled = CASE :enabled WHEN -1 THEN enabled ELSE :enabled END
 WHERE id = :id AND deleted_ms = 0;

-- :channel_remove
UPDATE channel SET deleted_ms = :now_ms, enabled = 0
 WHERE id = :id AND deleted_ms = 0;

-- :channel_model_put
INSERT INTO channel_model (channel_id, model, upstream)
VALUES (:channel_id, :model, :upstream)
    ON CONFLICT (channel_id, model) DO UPDATE SET upstream = excluded.upstream;

-- :channel_model_drop
-- No model: all of them.
DELETE FROM channel_model
 WHERE channel_id = :channel_id
   AND (:model IS NULL OR model = :model);

-- :channel_models
SELECT channel_id, model, upstream
  FROM channel_model
 WHERE channel_id = :channel_id
 ORDER BY model;

-- :channel_models_all
SELECT m.channel_id, m.model, m.upstream
  FROM channel_model m
  JOIN channel c ON c.id = m.channel_id AND c.deleted_ms = 0
 ORDER BY m.channel_id, m.model;

-- :channel_key_add
INSERT INTO channel_key (channel_id, hint) VALUES (:channel_id, :hint);

-- :channel_key_seal
UPDATE channel_key SET sealed = :sealed WHERE id = :id;

-- :channel_key_enable
UPDATE channel_key SET enabled = :enabled, reason = :reason WHERE id = :id;

-- :channel_key_drop
DELETE FROM channel_key WHERE channel_id = :channel_id;

-- :channel_keys
SELECT id, channel_id, sealed, hint, enabled, reason
  FROM channel_key
 WHERE channel_id = :channel_id
 ORDER BY id;

-- :channel_keys_all
SELECT k.id, k.channel_id, k.sealed, k.hint, k.enabled, k.reason
  FROM channel_key k
  JOIN channel c ON c.id = k.channel_id AND c.deleted_ms = 0
 ORDER BY k.channel_id, k.id;
