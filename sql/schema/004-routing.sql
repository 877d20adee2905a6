-- 004-routing: channels in full, keys that fail alone, limits, fallbacks.

ALTER TABLE channel ADD COLUMN rotation TEXT NOT NULL DEFAULT 'round_robin'
	CHECK (rotation IN ('round_robin', 'random', 'least_used'));
-- At once and a minute, of the channel and of each of its keys; 0: no limit.
ALTER TABLE channel ADD COLUMN tpm INTEGER NOT NULL DEFAULT 0 CHECK (tpm >= 0);
ALTER TABLE channel ADD COLUMN concurrency INTEGER NOT NULL DEFAULT 0 CHECK (concurrency >= 0);
ALTER TABLE channel ADD COLUMN key_rpm INTEGER NOT NULL DEFAULT 0 CHECK (key_rpm >= 0);
ALTER TABLE channel ADD COLUMN key_tpm INTEGER NOT NULL DEFAULT 0 CHECK (key_tpm >= 0);
ALTER TABLE channel ADD COLUMN key_concurrency INTEGER NOT NULL DEFAULT 0 CHECK (key_concurrency >= 0);
-- Its own time limits; 0: those of the settings.
ALTER TABLE channel ADD COLUMN connect_ms INTEGER NOT NULL DEFAULT 0 CHECK (connect_ms >= 0);
ALTER TABLE channel ADD COLUMN first_token_ms INTEGER NOT NULL DEFAULT 0 CHECK (first_token_ms >= 0);
ALTER TABLE channel ADD COLUMN idle_ms INTEGER NOT NULL DEFAULT 0 CHECK (idle_ms >= 0);
ALTER TABLE channel ADD COLUMN total_ms INTEGER NOT NULL DEFAULT 0 CHECK (total_ms >= 0);
ALTER TABLE channel ADD COLUMN proxy TEXT NOT NULL DEFAULT '';       -- http://, socks5h://; '': none
ALTER TABLE channel ADD COLUMN test_model TEXT NOT NULL DEFAULT '';  -- '': its first
ALTER TABLE channel ADD COLUMN auto_disable INTEGER NOT NULL DEFAULT 1 CHECK (auto_disable IN (0, 1));
ALTER TABLE channel ADD COLUMN tags TEXT NOT NULL DEFAULT '';        -- between commas
ALTER TABLE channel ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN params TEXT NOT NULL DEFAULT '';      -- JSON object: members set; null: removed
ALTER TABLE channel ADD COLUMN headers TEXT NOT NULL DEFAULT '';     -- JSON object, likewise
ALTER TABLE channel ADD COLUMN system_prompt TEXT NOT NULL DEFAULT ''; -- forced on every request
ALTER TABLE channel ADD COLUMN state_ms INTEGER NOT NULL DEFAULT 0;  -- since when

-- A key fails alone.
ALTER TABLE channel_key ADD COLUMN state TEXT NOT NULL DEFAULT 'ok'
	CHECK (state IN ('ok', 'disabled')); -- the gateway's word
ALTER TABLE channel_key ADD COLUMN state_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channel_key ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE channel_key ADD COLUMN probe_ms INTEGER NOT NULL DEFAULT 0; -- of the next probe that may bring it back

-- With a key that works again its channel does.
CREATE TRIGGER channel_revived AFTER UPDATE OF state, enabled, sealed ON channel_key
WHEN NEW.state = 'ok' AND NEW.enabled = 1 AND NEW.sealed IS NOT NULL
BEGIN
	UPDATE channel SET state = 'ok', reason = '', state_ms = 0
	 WHERE id = NEW.channel_id AND state = 'disabled';
END;

-- channel_model.model may be a pattern: gpt-4o*, or re: and a regular
-- expression.  upstream '' : the name as it was asked.

-- What holds for a model, whichever channel serves it; 0: the settings'.
CREATE TABLE model_setting (
	model        TEXT NOT NULL PRIMARY KEY,
	sticky       TEXT NOT NULL DEFAULT 'off'
	             CHECK (sticky IN ('off', 'key', 'user', 'prompt')),
	deadline_ms  INTEGER NOT NULL DEFAULT 0 CHECK (deadline_ms >= 0),
	max_attempts INTEGER NOT NULL DEFAULT 0 CHECK (max_attempts >= 0)
) STRICT, WITHOUT ROWID;

-- What serves where a model cannot: per group ('' all), in order.
CREATE TABLE fallback (
	grp      TEXT NOT NULL DEFAULT '',
	model    TEXT NOT NULL,
	place    INTEGER NOT NULL, -- 1 is tried first
	to_model TEXT NOT NULL,
	PRIMARY KEY (grp, model, place)
) STRICT, WITHOUT ROWID;

-- Limits of a user, a group or a model (of all callers together); those of a
-- key are in its row.  0: no limit.
CREATE TABLE rate_limit (
	scope       TEXT NOT NULL CHECK (scope IN ('user', 'group', 'model')),
	owner       TEXT NOT NULL, -- the user's id; a name
	rpm         INTEGER NOT NULL DEFAULT 0 CHECK (rpm >= 0),
	tpm         INTEGER NOT NULL DEFAULT 0 CHECK (tpm >= 0),
	concurrency INTEGER NOT NULL DEFAULT 0 CHECK (concurrency >= 0),
	rpd         INTEGER NOT NULL DEFAULT 0 CHECK (rpd >= 0), -- requests a day
	PRIMARY KEY (scope, owner)
) STRICT, WITHOUT ROWID;
ALTER TABLE token ADD COLUMN rpd INTEGER NOT NULL DEFAULT 0 CHECK (rpd >= 0);
ALTER TABLE token ADD COLUMN keep_alive INTEGER NOT NULL DEFAULT 1 CHECK (keep_alive IN (0, 1));

-- Which candidates there were and why each was or was not taken.
ALTER TABLE request ADD COLUMN route TEXT NOT NULL DEFAULT ''; -- JSON

CREATE TRIGGER config_model_setting_add AFTER INSERT ON model_setting
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_model_setting_set AFTER UPDATE ON model_setting
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_model_setting_drop AFTER DELETE ON model_setting
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_fallback_add AFTER INSERT ON fallback
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_fallback_set AFTER UPDATE ON fallback
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_fallback_drop AFTER DELETE ON fallback
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_rate_limit_add AFTER INSERT ON rate_limit
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_rate_limit_set AFTER UPDATE ON rate_limit
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_rate_limit_drop AFTER DELETE ON rate_limit
BEGIN UPDATE config_version SET version = version + 1; END;

-- Tables as the program reads them, in the order of its structs.
CREATE VIEW channel_view AS
SELECT id, name, provider, base_url, origin, enabled, state, reason, state_ms,
       priority, weight, grps, allow, rpm, tpm, concurrency, key_rpm, key_tpm,
       key_concurrency, rotation, connect_ms, first_token_ms, idle_ms,
       total_ms, proxy, test_model, auto_disable, tags, notes, params, headers,
       system_prompt, created_ms
  FROM channel
 WHERE deleted_ms = 0;

CREATE VIEW channel_key_view AS
SELECT k.id, k.channel_id, k.sealed, k.hint, k.name, k.enabled, k.state,
       k.reason, k.state_ms, k.probe_ms
  FROM channel_key k
  JOIN channel c ON c.id = k.channel_id AND c.deleted_ms = 0;

DROP VIEW token_view;
CREATE VIEW token_view AS
SELECT t.id, t.name, t.hint, t.enabled, t.revoked_ms, t.expires_ms,
       t.limit_nusd, t.used_nusd, t.held_nusd, t.models, t.cidrs, t.rpm,
       t.tpm, t.concurrency, t.channel_id, t.reserve_max, t.rpd,
       1 - t.keep_alive AS no_keep_alive, t.created_ms, u.id AS user_id, u.name AS user, u.role, u.grp,
       u.enabled AS user_enabled, a.id AS account_id, a.balance_nusd,
       a.held_nusd AS account_held_nusd, a.floor_nusd, t.hash
  FROM token t
  JOIN user u ON u.id = t.user_id
  JOIN account a ON a.kind = 'user' AND a.owner_id = u.id;

DROP VIEW request_view;
CREATE VIEW request_view AS
SELECT r.id, r.request_id, r.state, r.started_ms, r.user_id, r.account_id,
       r.token_id, r.channel_id, r.endpoint, r.provider, r.model_asked,
       r.model_served, r.stream, r.prompt_tok, r.cached_tok, r.completion_tok,
       r.reasoning_tok, r.source, r.reserved_nusd, r.cost_nusd, r.overshoot,
       r.price_id, r.txn_id, r.refunded_nusd, r.refund_txn_id, r.status,
       r.error, r.attempts, r.attempts_json, r.first_token_ms, r.total_ms,
       r.address, r.worker_id, r.progress_ms, r.progress_prompt_tok,
       r.progress_completion_tok, r.progress_cost_nusd, r.grp, r.factor_ppm,
       r.service_tier, r.usage, r.usage_raw, r.usage_flag, r.lines,
       r.upstream_nusd, r.stopped, r.route, u.name AS user, t.name AS token,
       c.name AS channel
  FROM request r
  LEFT JOIN user u ON u.id = r.user_id
  LEFT JOIN token t ON t.id = r.token_id
  LEFT JOIN channel c ON c.id = r.channel_id;
