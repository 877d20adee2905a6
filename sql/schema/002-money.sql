-- 002-money: groups, budgets, codes, what explains an amount, roll-ups.

-- A group of users: what they pay of the price.  A name without a row pays
-- all of it.
CREATE TABLE grp (
	name       TEXT NOT NULL PRIMARY KEY,
	factor_ppm INTEGER NOT NULL DEFAULT 1000000 CHECK (factor_ppm >= 0),
	note       TEXT NOT NULL DEFAULT '',
	created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER config_grp_add AFTER INSERT ON grp
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_grp_set AFTER UPDATE ON grp
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_grp_drop AFTER DELETE ON grp
BEGIN UPDATE config_version SET version = version + 1; END;

-- What a key, a user or a group may spend in a period.  held = sum of the
-- open requests, used = sum of the settled ones, less refunds, that started in
-- the present window.  The total of a key is token.limit_nusd.
CREATE TABLE budget (
	id         INTEGER PRIMARY KEY,
	scope      TEXT NOT NULL CHECK (scope IN ('token', 'user', 'group')),
	owner      TEXT NOT NULL,              -- the id of the key or user; the group's name
	period     TEXT NOT NULL CHECK (period IN ('day', 'week', 'month', 'total')), -- UTC
	limit_nusd INTEGER NOT NULL CHECK (limit_nusd >= 0),
	start_ms   INTEGER NOT NULL DEFAULT 0, -- of the present window
	end_ms     INTEGER NOT NULL DEFAULT 0, -- where the next begins; total: far away
	seen_ms    INTEGER NOT NULL DEFAULT 0, -- latest window it was in, or a request started in
	used_nusd  INTEGER NOT NULL DEFAULT 0,
	held_nusd  INTEGER NOT NULL DEFAULT 0 CHECK (held_nusd >= 0),
	forgotten_nusd INTEGER NOT NULL DEFAULT 0, -- of used: by rows no longer kept
	UNIQUE (scope, owner, period)
) STRICT;

-- A redemption code.  Only its hash is kept; used once.
CREATE TABLE code (
	id          INTEGER PRIMARY KEY,
	hash        BLOB NOT NULL UNIQUE,       -- 32 bytes
	hint        TEXT NOT NULL,              -- what lists show of it
	name        TEXT NOT NULL,              -- of the batch
	amount_nusd INTEGER NOT NULL CHECK (amount_nusd > 0),
	enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	actor       TEXT NOT NULL DEFAULT '',   -- who made it
	created_ms  INTEGER NOT NULL,
	expires_ms  INTEGER NOT NULL DEFAULT 0, -- 0: never
	used_ms     INTEGER NOT NULL DEFAULT 0, -- 0: is not
	user_id     INTEGER NOT NULL DEFAULT 0, -- who used it
	txn_id      INTEGER NOT NULL DEFAULT 0  -- where it was posted
) STRICT;

-- Why a request cost what it cost.
ALTER TABLE request ADD COLUMN grp TEXT NOT NULL DEFAULT ''; -- the user's, then
ALTER TABLE request ADD COLUMN factor_ppm INTEGER NOT NULL DEFAULT 1000000; -- the group's
ALTER TABLE request ADD COLUMN service_tier TEXT NOT NULL DEFAULT ''; -- batch, flex, priority
ALTER TABLE request ADD COLUMN usage TEXT NOT NULL DEFAULT ''; -- what was counted: {"in":12,...}
ALTER TABLE request ADD COLUMN usage_raw TEXT NOT NULL DEFAULT ''; -- as the upstream said it
ALTER TABLE request ADD COLUMN usage_flag TEXT NOT NULL DEFAULT '' -- why not as it said
	CHECK (usage_flag IN ('', 'missing', 'absurd', 'clamped'));
ALTER TABLE request ADD COLUMN lines TEXT NOT NULL DEFAULT ''; -- of the bill: [{"line",...}]
ALTER TABLE request ADD COLUMN upstream_nusd INTEGER NOT NULL DEFAULT 0; -- what it cost us
ALTER TABLE request ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0; -- by the budget
ALTER TABLE request ADD COLUMN rolled INTEGER NOT NULL DEFAULT 0; -- into usage_hour
CREATE INDEX request_unrolled ON request (id) WHERE rolled = 0 AND state <> 'open';

-- A request that must not run twice: the client's Idempotency-Key.
CREATE TABLE idem (
	token_id   INTEGER NOT NULL,
	key        BLOB NOT NULL,             -- SHA-256 of the header
	body       BLOB NOT NULL,             -- SHA-256 of method, path, canonical body
	request_id TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	status     INTEGER NOT NULL DEFAULT 0, -- HTTP; 0: it is running
	answer     BLOB,                       -- whole answers; NULL: not kept
	type       TEXT NOT NULL DEFAULT '',   -- content type of the answer
	PRIMARY KEY (token_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idem_created ON idem (created_ms);

-- Requests of an hour, summed up: by who, with which key, through which
-- channel, of which model.
CREATE TABLE usage_hour (
	hour_ms         INTEGER NOT NULL, -- when it begins
	user_id         INTEGER NOT NULL,
	token_id        INTEGER NOT NULL,
	channel_id      INTEGER NOT NULL,
	model           TEXT NOT NULL,
	requests        INTEGER NOT NULL DEFAULT 0,
	streams         INTEGER NOT NULL DEFAULT 0,
	refused         INTEGER NOT NULL DEFAULT 0, -- by us, before any upstream
	failed          INTEGER NOT NULL DEFAULT 0, -- with an error of the upstream
	gone            INTEGER NOT NULL DEFAULT 0, -- the client, before the end
	lost            INTEGER NOT NULL DEFAULT 0, -- with its worker
	prompt_tok      INTEGER NOT NULL DEFAULT 0,
	cached_tok      INTEGER NOT NULL DEFAULT 0,
	completion_tok  INTEGER NOT NULL DEFAULT 0,
	reasoning_tok   INTEGER NOT NULL DEFAULT 0,
	cache_write_tok INTEGER NOT NULL DEFAULT 0, -- written to a cache, for 5 minutes
	cache_write_1h_tok INTEGER NOT NULL DEFAULT 0, -- for an hour
	audio_in_tok    INTEGER NOT NULL DEFAULT 0, -- of prompts: sound
	audio_out_tok   INTEGER NOT NULL DEFAULT 0, -- of answers: sound
	image_in_tok    INTEGER NOT NULL DEFAULT 0, -- of prompts: pictures
	image_out_tok   INTEGER NOT NULL DEFAULT 0, -- of answers: pictures
	searches        INTEGER NOT NULL DEFAULT 0, -- of the web, by tools of upstreams
	images          INTEGER NOT NULL DEFAULT 0, -- pictures made
	audio_ms        INTEGER NOT NULL DEFAULT 0, -- of sound or film
	characters      INTEGER NOT NULL DEFAULT 0, -- spoken
	cost_nusd       INTEGER NOT NULL DEFAULT 0,
	upstream_nusd   INTEGER NOT NULL DEFAULT 0,
	refunded_nusd   INTEGER NOT NULL DEFAULT 0,
	total_ms        INTEGER NOT NULL DEFAULT 0, -- of those that ended well
	first_ms        INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (hour_ms, user_id, token_id, channel_id, model)
) STRICT, WITHOUT ROWID;

-- Errors of an hour by code, and how long answers took, in buckets.
CREATE TABLE error_hour (
	hour_ms    INTEGER NOT NULL,
	channel_id INTEGER NOT NULL,
	model      TEXT NOT NULL,
	error      TEXT NOT NULL,
	requests   INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (hour_ms, channel_id, model, error)
) STRICT, WITHOUT ROWID;
CREATE TABLE latency_hour (
	hour_ms    INTEGER NOT NULL,
	channel_id INTEGER NOT NULL,
	model      TEXT NOT NULL,
	what       TEXT NOT NULL CHECK (what IN ('first', 'total')),
	bucket     INTEGER NOT NULL,  -- see store/rollup.h
	requests   INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (hour_ms, channel_id, model, what, bucket)
) STRICT, WITHOUT ROWID;

-- Months whose entries are in a file of their own.  What accounts had then is
-- in account.opening_nusd; only what such a row covers may be deleted.
CREATE TABLE archive (
	id         INTEGER PRIMARY KEY,
	month      TEXT NOT NULL UNIQUE, -- 2026-10
	last_txn   INTEGER NOT NULL,     -- the newest that it holds
	file       TEXT NOT NULL,        -- in the state folder
	sha256     TEXT NOT NULL,
	created_ms INTEGER NOT NULL
) STRICT;
ALTER TABLE account ADD COLUMN opening_nusd INTEGER NOT NULL DEFAULT 0;
CREATE TABLE archived_ref ( -- what of them must not happen twice
	ref         TEXT NOT NULL PRIMARY KEY,
	txn_id      INTEGER NOT NULL,
	account_id  INTEGER NOT NULL,
	amount_nusd INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
DROP TRIGGER txn_stays_there;
CREATE TRIGGER txn_stays_there BEFORE DELETE ON txn
WHEN OLD.id > (SELECT coalesce(max(last_txn), 0) FROM archive)
BEGIN SELECT RAISE(ABORT, 'a txn is never deleted before it is archived'); END;
DROP TRIGGER entry_stays_there;
CREATE TRIGGER entry_stays_there BEFORE DELETE ON entry
WHEN OLD.txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive)
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted before it is archived'); END;

-- What rows of the log had cost that are no longer kept, by txn, so that the
-- rest can still be checked; and by key.
CREATE TABLE forgotten (
	txn_id     INTEGER NOT NULL, -- 0: of all that are archived
	account_id INTEGER NOT NULL,
	cost_nusd  INTEGER NOT NULL, -- less than 0: got back
	PRIMARY KEY (txn_id, account_id)
) STRICT, WITHOUT ROWID;
ALTER TABLE token ADD COLUMN forgotten_nusd INTEGER NOT NULL DEFAULT 0;

-- What the roll-ups take of a row of the log that has ended.  A model that
-- nobody serves is not named: anybody can make up any number of them.
CREATE VIEW request_roll AS
SELECT id, rolled, started_ms - started_ms % 3600000 AS hour_ms, user_id,
       token_id, channel_id,
       CASE WHEN state = 'refused' AND price_id = 0 THEN ''
            ELSE model_asked END AS model,
       stream, state = 'refused' AS refused,
       state IN ('settled', 'void')
         AND error NOT IN ('', 'client_closed_request') AS failed,
       state IN ('settled', 'void')
         AND error = 'client_closed_request' AS gone,
       state = 'lost' AS lost,
       state IN ('settled', 'void') AND error = '' AS ok,
       prompt_tok, cached_tok, completion_tok, reasoning_tok, cost_nusd,
       upstream_nusd, refunded_nusd, error, total_ms, first_token_ms,
       nullif(usage, '') AS usage
  FROM request
 WHERE state <> 'open';

-- How long those took that ended well, in the buckets of store/rollup.h.
CREATE VIEW request_time AS
SELECT id, rolled, hour_ms, channel_id, model, what,
       CASE WHEN ms < 8 THEN max(ms, 0)
            WHEN ms < 16 THEN 8 + ((ms >> 0) & 7)
            WHEN ms < 32 THEN 16 + ((ms >> 1) & 7)
            WHEN ms < 64 THEN 24 + ((ms >> 2) & 7)
            WHEN ms < 128 THEN 32 + ((ms >> 3) & 7)
            WHEN ms < 256 THEN 40 + ((ms >> 4) & 7)
            WHEN ms < 512 THEN 48 + ((ms >> 5) & 7)
            WHEN ms < 1024 THEN 56 + ((ms >> 6) & 7)
            WHEN ms < 2048 THEN 64 + ((ms >> 7) & 7)
            WHEN ms < 4096 THEN 72 + ((ms >> 8) & 7)
            WHEN ms < 8192 THEN 80 + ((ms >> 9) & 7)
            WHEN ms < 16384 THEN 88 + ((ms >> 10) & 7)
            WHEN ms < 32768 THEN 96 + ((ms >> 11) & 7)
            WHEN ms < 65536 THEN 104 + ((ms >> 12) & 7)
            WHEN ms < 131072 THEN 112 + ((ms >> 13) & 7)
            WHEN ms < 262144 THEN 120 + ((ms >> 14) & 7)
            WHEN ms < 524288 THEN 128 + ((ms >> 15) & 7)
            WHEN ms < 1048576 THEN 136 + ((ms >> 16) & 7)
            WHEN ms < 2097152 THEN 144 + ((ms >> 17) & 7)
            WHEN ms < 4194304 THEN 152 + ((ms >> 18) & 7)
            WHEN ms < 8388608 THEN 160 + ((ms >> 19) & 7)
            WHEN ms < 16777216 THEN 168 + ((ms >> 20) & 7)
            WHEN ms < 33554432 THEN 176 + ((ms >> 21) & 7)
            WHEN ms < 67108864 THEN 184 + ((ms >> 22) & 7)
            ELSE 191 END AS bucket
  FROM (SELECT id, rolled, hour_ms, channel_id, model, 'total' AS what,
               total_ms AS ms
          FROM request_roll WHERE ok
         UNION ALL
        SELECT id, rolled, hour_ms, channel_id, model, 'first',
               first_token_ms
          FROM request_roll WHERE ok AND first_token_ms > 0);

-- A line of the log as the program reads it, in the order of struct request.
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
       r.upstream_nusd, r.stopped, u.name AS user, t.name AS token,
       c.name AS channel
  FROM request r
  LEFT JOIN user u ON u.id = r.user_id
  LEFT JOIN token t ON t.id = r.token_id
  LEFT JOIN channel c ON c.id = r.channel_id;
