-- channel.sql - the ways to providers.

-- :channel_add
INSERT INTO channel (name, provider, base_url, origin, enabled, priority,
                     weight, grps, allow, rpm, tpm, concurrency, key_rpm,
                     key_tpm, key_concurrency, rotation, connect_ms,
                     first_token_ms, idle_ms, total_ms, proxy, test_model,
                     auto_disable, tags, notes, params, headers,
                     system_prompt, created_ms)
VALUES (:name, :provider, :base_url, :origin, :enabled, :priority, :weight,
        :grps, :allow, :rpm, :tpm, :concurrency, :key_rpm, :key_tpm,
        :key_concurrency, :rotation, :connect_ms, :first_token_ms, :idle_ms,
        :total_ms, :proxy, :test_model, :auto_disable, :tags, :notes, :params,
        :headers, :system_prompt, :created_ms);

-- :channel_find
SELECT * FROM channel_view WHERE name = :name;

-- :channel_get
SELECT * FROM channel_view WHERE id = :id;

-- :channel_list
SELECT * FROM channel_view ORDER BY priority DESC, id;

-- :channel_write
-- What an administrator may change, all of it.
UPDATE channel
   SET base_url = :base_url, origin = :origin, priority = :priority,
       weight = :weight, grps = :grps, allow = :allow, rpm = :rpm, tpm = :tpm,
       concurrency = :concurrency, key_rpm = :key_rpm, key_tpm = :key_tpm,
       key_concurrency = :key_concurrency, rotation = :rotation,
       connect_ms = :connect_ms, first_token_ms = :first_token_ms,
       idle_ms = :idle_ms, total_ms = :total_ms, proxy = :proxy,
       test_model = :test_model, auto_disable = :auto_disable, tags = :tags,
       notes = :notes, params = :params, headers = :headers,
       system_prompt = :system_prompt
 WHERE id = :id AND deleted_ms = 0;

-- :channel_set
-- NULL, -1 and the least priority there is leave a column as it was.
UPDATE channel
   SET base_url = coalesce(:base_url, base_url),
       origin = coalesce(:origin, origin),
       grps = coalesce(:grps, grps),
       allow = coalesce(:allow, allow),
       state = coalesce(:state, state),
       reason = coalesce(:reason, reason),
       state_ms = CASE WHEN :state IS NULL THEN state_ms ELSE :now_ms END,
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

-- :channel_key_get
SELECT * FROM channel_key_view WHERE id = :id;

-- :channel_key_enable
-- Enabled again the gateway's own verdict is forgotten too.
UPDATE channel_key
   SET enabled = :enabled, reason = :reason, probe_ms = 0,
       state = CASE :enabled WHEN 1 THEN 'ok' ELSE state END,
       state_ms = :now_ms
 WHERE id = :id;

-- :channel_key_state
-- The gateway's word.  0 rows: it said so before.
UPDATE channel_key
   SET state = :state, reason = :reason, probe_ms = :probe_ms,
       state_ms = :now_ms
 WHERE id = :id AND NOT (state = :state AND reason = :reason
                         AND probe_ms = :probe_ms);

-- :channel_key_name
UPDATE channel_key SET name = :name WHERE id = :id;

-- :channel_key_remove
DELETE FROM channel_key WHERE id = :id;

-- :channel_key_drop
DELETE FROM channel_key WHERE channel_id = :channel_id;

-- :channel_keys
SELECT * FROM channel_key_view WHERE channel_id = :channel_id ORDER BY id;

-- :channel_keys_all
SELECT * FROM channel_key_view ORDER BY channel_id, id;
