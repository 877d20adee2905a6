-- 001-ground: users and keys, channels and prices, money, the request log.
--
-- Money is in nano-dollars (_nusd), times are milliseconds since 1970 (_ms),
-- flags are 0 or 1, model tokens end in _tok: a token is always an API key.

-- What belongs to the installation: its public key, its salt, its birth.
CREATE TABLE meta (
	key   TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row, which triggers raise whenever routing or prices change.
CREATE TABLE config_version (
	id      INTEGER PRIMARY KEY CHECK (id = 1),
	version INTEGER NOT NULL
) STRICT;
INSERT INTO config_version (id, version) VALUES (1, 1);

-- Who may sign in and who owns keys.  Never deleted, only disabled.
CREATE TABLE user (
	id         INTEGER PRIMARY KEY,
	name       TEXT NOT NULL COLLATE NOCASE UNIQUE,
	role       TEXT NOT NULL DEFAULT 'user'
	           CHECK (role IN ('root', 'admin', 'user')),
	grp        TEXT NOT NULL DEFAULT 'default', -- whose channels it may use
	enabled    INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	passwd     TEXT,                            -- argon2id; NULL: no sign-in
	created_ms INTEGER NOT NULL
) STRICT;

-- Where money is.  balance = sum of its entries; held = sum of its open
-- requests.  issued is what grants come from (so it is negative), revenue
-- where usage goes; the operator pays for probes.
CREATE TABLE account (
	id           INTEGER PRIMARY KEY,
	kind         TEXT NOT NULL
	             CHECK (kind IN ('user', 'revenue', 'issued', 'operator')),
	owner_id     INTEGER NOT NULL,           -- the user; else 0
	balance_nusd INTEGER NOT NULL DEFAULT 0, -- a settle may take it below the floor
	held_nusd    INTEGER NOT NULL DEFAULT 0 CHECK (held_nusd >= 0),
	floor_nusd   INTEGER NOT NULL DEFAULT 0, -- reserve keeps balance - held above it
	UNIQUE (kind, owner_id)
) STRICT;
INSERT INTO account (id, kind, owner_id, floor_nusd) VALUES
	(1, 'issued',   0, 0),
	(2, 'revenue',  0, 0),
	(3, 'operator', 0, -1000000000000000000);

-- An API key.  Only its hash is kept.
CREATE TABLE token (
	id          INTEGER PRIMARY KEY,
	name        TEXT NOT NULL,
	user_id     INTEGER NOT NULL REFERENCES user (id),
	hash        BLOB NOT NULL UNIQUE,       -- 32 bytes
	hint        TEXT NOT NULL,              -- what lists show of it: sk-ab...yz
	enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	revoked_ms  INTEGER NOT NULL DEFAULT 0, -- 0: is not; never undone
	expires_ms  INTEGER NOT NULL DEFAULT 0, -- 0: never
	limit_nusd  INTEGER CHECK (limit_nusd >= 0), -- NULL: as far as the balance goes
	used_nusd   INTEGER NOT NULL DEFAULT 0, -- sum of its settled requests, less refunds
	held_nusd   INTEGER NOT NULL DEFAULT 0 CHECK (held_nusd >= 0),
	models      TEXT NOT NULL DEFAULT '',   -- names between commas; '': all
	cidrs       TEXT NOT NULL DEFAULT '',   -- client networks between commas; '': all
	rpm         INTEGER NOT NULL DEFAULT 0 CHECK (rpm >= 0), -- requests a minute; 0: no limit
	tpm         INTEGER NOT NULL DEFAULT 0 CHECK (tpm >= 0), -- model tokens a minute; 0: no limit
	concurrency INTEGER NOT NULL DEFAULT 0 CHECK (concurrency >= 0), -- at once; 0: no limit
	channel_id  INTEGER NOT NULL DEFAULT 0, -- the only channel it may use; 0: all
	reserve_max INTEGER NOT NULL DEFAULT 0 CHECK (reserve_max IN (0, 1)), -- hold the model's maximum
	created_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX token_user ON token (user_id);

-- One way to a provider.  Removed ones stay: the log names them.
CREATE TABLE channel (
	id         INTEGER PRIMARY KEY,
	name       TEXT NOT NULL,
	provider   TEXT NOT NULL,               -- an id of providers.def
	base_url   TEXT NOT NULL,               -- with the version path; '': the provider's
	origin     TEXT NOT NULL,               -- scheme://host:port its keys are bound to
	enabled    INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)), -- the administrator's word
	state      TEXT NOT NULL DEFAULT 'ok'   -- the gateway's word
	           CHECK (state IN ('ok', 'disabled', 'cooling')),
	reason     TEXT NOT NULL DEFAULT '',    -- why it is not ok
	priority   INTEGER NOT NULL DEFAULT 0,  -- higher goes first
	weight     INTEGER NOT NULL DEFAULT 1 CHECK (weight >= 0), -- share inside a priority
	grps       TEXT NOT NULL DEFAULT 'default', -- groups that may use it, between commas
	allow      TEXT NOT NULL DEFAULT '',    -- private networks it may reach, as CIDRs
	rpm        INTEGER NOT NULL DEFAULT 0 CHECK (rpm >= 0), -- requests a minute; 0: no limit
	created_ms INTEGER NOT NULL,
	deleted_ms INTEGER NOT NULL DEFAULT 0   -- 0: is not
) STRICT;
CREATE UNIQUE INDEX channel_name ON channel (name) WHERE deleted_ms = 0;

-- The models that a channel serves.
CREATE TABLE channel_model (
	channel_id INTEGER NOT NULL REFERENCES channel (id),
	model      TEXT NOT NULL, -- what clients ask for
	upstream   TEXT NOT NULL, -- what the provider calls it
	PRIMARY KEY (channel_id, model)
) STRICT, WITHOUT ROWID;

-- The keys of a channel, sealed for the relay workers' secret key.
CREATE TABLE channel_key (
	id         INTEGER PRIMARY KEY,
	channel_id INTEGER NOT NULL REFERENCES channel (id),
	sealed     BLOB,                       -- NULL until it is sealed with its id
	hint       TEXT NOT NULL,
	enabled    INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	reason     TEXT NOT NULL DEFAULT ''    -- why it is not enabled
) STRICT;
CREATE INDEX channel_key_channel ON channel_key (channel_id);

-- The price book.  A change is a new row; receipts name the row.
CREATE TABLE price (
	id             INTEGER PRIMARY KEY,
	model          TEXT NOT NULL,
	from_ms        INTEGER NOT NULL,           -- the newest that is not in the future counts
	input_nusd     INTEGER NOT NULL CHECK (input_nusd >= 0),  -- for a million tokens
	cached_nusd    INTEGER NOT NULL CHECK (cached_nusd >= 0), -- of them read from a cache
	output_nusd    INTEGER NOT NULL CHECK (output_nusd >= 0),
	free           INTEGER NOT NULL DEFAULT 0 CHECK (free IN (0, 1)),
	context_tok    INTEGER NOT NULL DEFAULT 0 CHECK (context_tok >= 0),    -- 0: unknown
	max_output_tok INTEGER NOT NULL DEFAULT 0 CHECK (max_output_tok >= 0), -- 0: unknown
	note           TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX price_model ON price (model, from_ms);

-- A movement of money; its entries sum to zero.  Never changed.
CREATE TABLE txn (
	id     INTEGER PRIMARY KEY,
	kind   TEXT NOT NULL CHECK (kind IN
	       ('grant', 'redeem', 'topup', 'refund', 'adjust', 'settle')),
	at_ms  INTEGER NOT NULL,
	actor  TEXT NOT NULL DEFAULT '', -- who did it; '': the gateway
	reason TEXT NOT NULL DEFAULT '',
	ref    TEXT UNIQUE               -- what must not happen twice; NULL: nothing
) STRICT;

CREATE TABLE entry (
	txn_id      INTEGER NOT NULL REFERENCES txn (id),
	account_id  INTEGER NOT NULL REFERENCES account (id),
	amount_nusd INTEGER NOT NULL CHECK (amount_nusd <> 0),
	PRIMARY KEY (txn_id, account_id)
) STRICT, WITHOUT ROWID;

-- A request: the reservation, the line of the log and the receipt's head in
-- one.  Without REFERENCES: it is the one table that every request writes,
-- and `pontage audit` looks for what they would catch.
CREATE TABLE request (
	id             INTEGER PRIMARY KEY,
	request_id     TEXT NOT NULL UNIQUE,       -- what the client saw
	state          TEXT NOT NULL CHECK (state IN
	               ('open', 'settled', 'void', 'refused', 'lost')),
	started_ms     INTEGER NOT NULL,
	user_id        INTEGER NOT NULL,           -- 0: nobody known
	account_id     INTEGER NOT NULL,           -- who pays; 0: nobody
	token_id       INTEGER NOT NULL,           -- 0: none
	channel_id     INTEGER NOT NULL DEFAULT 0, -- that answered; 0: none
	endpoint       TEXT NOT NULL,
	provider       TEXT NOT NULL DEFAULT '',
	model_asked    TEXT NOT NULL DEFAULT '',
	model_served   TEXT NOT NULL DEFAULT '',
	stream         INTEGER NOT NULL DEFAULT 0,
	prompt_tok     INTEGER NOT NULL DEFAULT 0, -- all of it, cached ones included
	cached_tok     INTEGER NOT NULL DEFAULT 0,
	completion_tok INTEGER NOT NULL DEFAULT 0, -- all of it, reasoning included
	reasoning_tok  INTEGER NOT NULL DEFAULT 0,
	source         TEXT NOT NULL DEFAULT ''    -- who counted
	               CHECK (source IN ('', 'upstream', 'counted', 'partial')),
	reserved_nusd  INTEGER NOT NULL DEFAULT 0 CHECK (reserved_nusd >= 0), -- held while open
	cost_nusd      INTEGER NOT NULL DEFAULT 0,
	overshoot      INTEGER NOT NULL DEFAULT 0, -- cost more than was reserved
	price_id       INTEGER NOT NULL DEFAULT 0, -- the row of the price book; 0: none
	txn_id         INTEGER NOT NULL DEFAULT 0, -- where the cost was posted; 0: cost nothing
	refunded_nusd  INTEGER NOT NULL DEFAULT 0,
	refund_txn_id  INTEGER NOT NULL DEFAULT 0,
	status         INTEGER NOT NULL DEFAULT 0, -- HTTP, as the client saw it
	error          TEXT NOT NULL DEFAULT '',
	attempts       INTEGER NOT NULL DEFAULT 0,
	attempts_json  TEXT NOT NULL DEFAULT '',   -- [{"channel","error","status","ms"}]
	first_token_ms INTEGER NOT NULL DEFAULT 0,
	total_ms       INTEGER NOT NULL DEFAULT 0,
	address        TEXT NOT NULL DEFAULT '',   -- of the client
	worker_id      INTEGER NOT NULL DEFAULT 0, -- whose death makes an open row an orphan
	progress_ms    INTEGER NOT NULL DEFAULT 0, -- when the last note was taken; 0: none
	progress_prompt_tok     INTEGER NOT NULL DEFAULT 0,
	progress_completion_tok INTEGER NOT NULL DEFAULT 0,
	progress_cost_nusd      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX request_open ON request (worker_id) WHERE state = 'open';
CREATE INDEX request_user ON request (user_id);
CREATE INDEX request_token ON request (token_id);

-- What admin.fcgi or the command asks a relay worker to do.
CREATE TABLE job (
	id         INTEGER PRIMARY KEY,
	kind       TEXT NOT NULL,               -- test, fetch-models
	channel_id INTEGER NOT NULL DEFAULT 0,
	args       TEXT NOT NULL DEFAULT '',    -- JSON
	state      TEXT NOT NULL DEFAULT 'queued'
	           CHECK (state IN ('queued', 'taken', 'done')),
	result     TEXT NOT NULL DEFAULT '',    -- JSON
	created_ms INTEGER NOT NULL,
	taken_by   INTEGER NOT NULL DEFAULT 0,  -- a worker
	taken_ms   INTEGER NOT NULL DEFAULT 0,
	done_ms    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX job_waiting ON job (state) WHERE state <> 'done';

-- What is posted stays as it was posted.
CREATE TRIGGER txn_stays BEFORE UPDATE ON txn
BEGIN SELECT RAISE(ABORT, 'a txn is never changed'); END;
CREATE TRIGGER txn_stays_there BEFORE DELETE ON txn
BEGIN SELECT RAISE(ABORT, 'a txn is never deleted'); END;
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entry_stays_there BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER price_stays BEFORE UPDATE ON price
BEGIN SELECT RAISE(ABORT, 'a price is never changed: add a newer one'); END;
CREATE TRIGGER price_stays_there BEFORE DELETE ON price
BEGIN SELECT RAISE(ABORT, 'a price is never deleted: add a newer one'); END;

-- Snapshots of routes and prices are out of date once these have fired.
CREATE TRIGGER config_channel_add AFTER INSERT ON channel
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_channel_set AFTER UPDATE ON channel
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_channel_drop AFTER DELETE ON channel
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_model_add AFTER INSERT ON channel_model
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_model_set AFTER UPDATE ON channel_model
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_model_drop AFTER DELETE ON channel_model
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_key_add AFTER INSERT ON channel_key
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_key_set AFTER UPDATE ON channel_key
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_key_drop AFTER DELETE ON channel_key
BEGIN UPDATE config_version SET version = version + 1; END;
CREATE TRIGGER config_price_add AFTER INSERT ON price
BEGIN UPDATE config_version SET version = version + 1; END;

-- What has ended keeps its cost and its txn.
CREATE TRIGGER request_stays
BEFORE UPDATE OF state, reserved_nusd, cost_nusd, txn_id ON request
WHEN OLD.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'a request ends once'); END;

-- Tables as the program reads them: with the names of what they point to.
CREATE VIEW user_view AS
SELECT u.id, u.name, u.role, u.grp, u.enabled, u.passwd, u.created_ms,
       a.id AS account_id, a.balance_nusd, a.held_nusd,
       (SELECT coalesce(sum(t.used_nusd), 0)
          FROM token t WHERE t.user_id = u.id) AS spent_nusd
  FROM user u
  JOIN account a ON a.kind = 'user' AND a.owner_id = u.id;

CREATE VIEW token_view AS
SELECT t.id, t.name, t.hint, t.enabled, t.revoked_ms, t.expires_ms,
       t.limit_nusd, t.used_nusd, t.held_nusd, t.models, t.cidrs, t.rpm,
       t.tpm, t.concurrency, t.channel_id, t.reserve_max, t.created_ms,
       u.id AS user_id, u.name AS user, u.role, u.grp,
       u.enabled AS user_enabled, a.id AS account_id, a.balance_nusd,
       a.held_nusd AS account_held_nusd, a.floor_nusd, t.hash
  FROM token t
  JOIN user u ON u.id = t.user_id
  JOIN account a ON a.kind = 'user' AND a.owner_id = u.id;

CREATE VIEW request_view AS
SELECT r.*, u.name AS user, t.name AS token, c.name AS channel
  FROM request r
  LEFT JOIN user u ON u.id = r.user_id
  LEFT JOIN token t ON t.id = r.token_id
  LEFT JOIN channel c ON c.id = r.channel_id;
