-- ledger.sql - where money moves.  Holds are conditional UPDATEs: no row
-- changed means that it is not free.

-- :account_hold_alone
-- Where no budget wants a word as well: then nothing more is to be asked.
UPDATE account
   SET held_nusd = held_nusd + :amount
 WHERE id = :id
   AND balance_nusd - held_nusd - :amount >= floor_nusd
   AND NOT EXISTS (SELECT 1 FROM budget WHERE
       (scope = 'token' AND owner = CAST(:token_id AS TEXT))
        OR (scope = 'user' AND owner = CAST(:user_id AS TEXT))
        OR (scope = 'group' AND owner = :grp));

-- :account_hold
UPDATE account
   SET held_nusd = held_nusd + :amount
 WHERE id = :id
   AND balance_nusd - held_nusd - :amount >= floor_nusd;

-- :token_hold
UPDATE token
   SET held_nusd = held_nusd + :amount
 WHERE id = :id
   AND (limit_nusd IS NULL
        OR used_nusd + held_nusd + :amount <= limit_nusd);

-- :hold_left
-- Every limit of a request, and what it leaves.
SELECT 'account' AS scope, 'total' AS period, held_nusd,
       balance_nusd - held_nusd - floor_nusd AS left_nusd, 0 AS end_ms
  FROM account
 WHERE id = :account_id
 UNION ALL
SELECT 'token', 'total', held_nusd, limit_nusd - used_nusd - held_nusd, 0
  FROM token
 WHERE id = :token_id AND limit_nusd IS NOT NULL
 UNION ALL
SELECT scope, period, held_nusd, limit_nusd - used_nusd - held_nusd, end_ms
  FROM budget
 WHERE (scope = 'token' AND owner = CAST(:token_id AS TEXT))
    OR (scope = 'user' AND owner = CAST(:user_id AS TEXT))
    OR (scope = 'group' AND owner = :grp);

-- :request_open
INSERT INTO request (state, request_id, started_ms, user_id, account_id,
                     token_id, endpoint, provider, model_asked,
                     stream, reserved_nusd, price_id, address,
                     worker_id, grp, factor_ppm)
VALUES ('open', :request_id, :started_ms, :user_id, :account_id, :token_id,
        :endpoint, :provider, :model_asked, :stream, :reserved_nusd,
        :price_id, :address, :worker_id, :grp, :factor_ppm);

-- :request_extend
UPDATE request
   SET reserved_nusd = reserved_nusd + :amount
 WHERE id = :id AND state = 'open';

-- :request_progress
UPDATE request
   SET progress_ms = :now_ms,
       progress_prompt_tok = :prompt_tok,
       progress_completion_tok = :completion_tok,
       progress_cost_nusd = :cost,
       usage = :usage,
       lines = :lines,
       channel_id = :channel_id,
       price_id = :price_id,
       provider = :provider,
       model_served = :model_served,
       upstream_nusd = :upstream_nusd
 WHERE id = :id AND state = 'open';

-- :request_held
-- What an open request holds, of whom; budgets: 0 none, 1 some, 2 some whose
-- window began before the request's.
SELECT account_id, token_id, reserved_nusd, started_ms,
       coalesce((SELECT 1 + max(request.started_ms >= end_ms)
                   FROM budget
                  WHERE (scope = 'token'
                         AND owner = CAST(request.token_id AS TEXT))
                     OR (scope = 'user'
                         AND owner = CAST(request.user_id AS TEXT))
                     OR (scope = 'group' AND owner = request.grp)), 0)
                AS budgets
  FROM request
 WHERE id = :id AND state = 'open';

-- :account_settle
UPDATE account
   SET held_nusd = held_nusd - :reserved,
       balance_nusd = balance_nusd - :cost
 WHERE id = :id;

-- :token_settle
UPDATE token
   SET held_nusd = held_nusd - :reserved,
       used_nusd = used_nusd + :cost
 WHERE id = :id;

-- :request_settle
UPDATE request
   SET state = :state,
       channel_id = :channel_id,
       provider = :provider,
       model_served = :model_served,
       prompt_tok = :prompt_tok,
       cached_tok = :cached_tok,
       completion_tok = :completion_tok,
       reasoning_tok = :reasoning_tok,
       source = :source,
       cost_nusd = :cost_nusd,
       overshoot = :overshoot,
       price_id = :price_id,
       txn_id = :txn_id,
       status = :status,
       error = :error,
       attempts = :attempts,
       attempts_json = :attempts_json,
       first_token_ms = :first_token_ms,
       total_ms = :total_ms,
       service_tier = :service_tier,
       usage = :usage,
       usage_raw = :usage_raw,
       usage_flag = :usage_flag,
       lines = :lines,
       upstream_nusd = :upstream_nusd,
       stopped = :stopped,
       route = :route
 WHERE id = :id;

-- :request_refuse
INSERT INTO request (state, request_id, started_ms, user_id, account_id,
                     token_id, channel_id, endpoint, provider,
                     model_asked, stream, price_id, status, error,
                     attempts, attempts_json, total_ms, address,
                     worker_id, route)
VALUES ('refused', :request_id, :started_ms, :user_id, :account_id, :token_id,
        :channel_id, :endpoint, :provider, :model_asked, :stream,
        :price_id, :status, :error, :attempts, :attempts_json,
        :total_ms, :address, :worker_id, :route);

-- :txn_next
-- The id of the next txn: who asks holds the write lock.  Archived ones are
-- never given again.
SELECT 1 + max((SELECT coalesce(max(id), 0) FROM txn),
               (SELECT coalesce(max(last_txn), 0) FROM archive));

-- :txn_add
INSERT INTO txn (id, kind, at_ms, actor, reason, ref)
VALUES (:id, :kind, :at_ms, :actor, :reason, :ref);

-- :entry_add
INSERT INTO entry (txn_id, account_id, amount_nusd)
VALUES (:txn_id, :account_id, :amount);

-- :account_add
UPDATE account SET balance_nusd = balance_nusd + :amount WHERE id = :id;

-- :request_workers
-- Whose requests are open.
SELECT DISTINCT worker_id FROM request WHERE state = 'open';

-- :request_orphans
SELECT id, request_id, account_id, token_id, reserved_nusd, started_ms,
       coalesce((SELECT 1 + max(request.started_ms >= end_ms)
                   FROM budget
                  WHERE (scope = 'token'
                         AND owner = CAST(request.token_id AS TEXT))
                     OR (scope = 'user'
                         AND owner = CAST(request.user_id AS TEXT))
                     OR (scope = 'group' AND owner = request.grp)), 0)
                AS budgets,
       progress_ms, progress_cost_nusd
  FROM request
 WHERE state = 'open' AND worker_id = :worker_id
 ORDER BY id
 LIMIT 200;

-- :request_lost
-- What the last note said; lines, usage and channel are there already.
UPDATE request
   SET state = 'lost',
       prompt_tok = progress_prompt_tok,
       cached_tok = iif(usage = '', 0,
                        coalesce(usage ->> 'cache_read_tok', 0)),
       reasoning_tok = iif(usage = '', 0,
                           coalesce(usage ->> 'reasoning_tok', 0)),
       completion_tok = progress_completion_tok,
       source = CASE progress_ms WHEN 0 THEN '' ELSE 'partial' END,
       total_ms = max(progress_ms - started_ms, 0),
       cost_nusd = progress_cost_nusd,
       overshoot = progress_cost_nusd > reserved_nusd,
       txn_id = :txn_id,
       error = 'worker_lost'
 WHERE id = :id;

-- :request_known
SELECT id FROM request WHERE id = :id AND request_id = :request_id;
