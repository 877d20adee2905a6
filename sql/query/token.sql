-- token.sql - API keys.

-- :token_find
-- The relay's look-up: one key, by its hash, and how new routes and prices are.
SELECT (SELECT version FROM config_version) AS config_version,
       id, name, hint, enabled, revoked_ms, expires_ms, limit_nusd, used_nusd,
       held_nusd, models, cidrs, rpm, tpm, concurrency, channel_id,
       reserve_max, rpd, no_keep_alive, created_ms, user_id, user, role, grp, user_enabled,
       account_id, balance_nusd, account_held_nusd, floor_nusd
  FROM token_view
 WHERE hash = :hash;

-- :token_get
SELECT id, name, hint, enabled, revoked_ms, expires_ms, limit_nusd, used_nusd,
       held_nusd, models, cidrs, rpm, tpm, concurrency, channel_id,
       reserve_max, rpd, no_keep_alive, created_ms, user_id, user, role, grp, user_enabled,
       account_id, balance_nusd, account_held_nusd, floor_nusd
  FROM token_view
 WHERE id = :id;

-- :token_named
SELECT id, name, hint, enabled, revoked_ms, expires_ms, limit_nusd, used_nusd,
       held_nusd, models, cidrs, rpm, tpm, concurrency, channel_id,
       reserve_max, rpd, no_keep_alive, created_ms, user_id, user, role, grp, user_enabled,
       account_id, balance_nusd, account_held_nusd, floor_nusd
  FROM token_view
 WHERE name = :name
 ORDER BY id
 LIMIT 2;

-- :token_list
SELECT id, name, hint, enabled, revoked_ms, expires_ms, limit_nusd, used_nusd,
       held_nusd, models, cidrs, rpm, tpm, concurrency, channel_id,
       reserve_max, rpd, no_keep_alive, created_ms, user_id, user, role, grp, user_enabled,
       account_id, balance_nusd, account_held_nusd, floor_nusd
  FROM token_view
 WHERE :user_id IN (0, user_id)
 ORDER BY id;

-- :token_add
INSERT INTO token (name, hint, expires_ms, limit_nusd, models, cidrs, rpm, tpm,
                   concurrency, channel_id, reserve_max, rpd, keep_alive,
                   user_id, hash, created_ms)
VALUES (:name, :hint, :expires_ms, :limit_nusd, :models, :cidrs, :rpm, :tpm,
        :concurrency, :channel_id, :reserve_max, :rpd, 1 - :no_keep_alive, :user_id,
        :hash, :created_ms);

-- :token_rates
-- -1 leaves a column as it was.
UPDATE token
   SET rpm = CASE :rpm WHEN -1 THEN rpm ELSE :rpm END,
       tpm = CASE :tpm WHEN -1 THEN tpm ELSE :tpm END,
       concurrency = CASE :concurrency WHEN -1 THEN concurrency
                     ELSE :concurrency END,
       rpd = CASE :rpd WHEN -1 THEN rpd ELSE :rpd END,
       keep_alive = CASE :keep_alive WHEN -1 THEN keep_alive
                    ELSE :keep_alive END
 WHERE id = :id;

-- :token_limit
UPDATE token SET limit_nusd = :limit WHERE id = :id;

-- :token_enable
UPDATE token SET enabled = :enabled WHERE id = :id;

-- :token_revoke
UPDATE token
   SET enabled = 0,
       revoked_ms = CASE revoked_ms WHEN 0 THEN :now_ms ELSE revoked_ms END
 WHERE id = :id;
