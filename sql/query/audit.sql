-- audit.sql - what must be so at any moment.  Each gives a row for whatever is
-- not: which one, the number it should have, the number it has.

-- :audit_txn_sum
SELECT 'txn ' || txn_id, 0, sum(amount_nusd)
  FROM entry
 WHERE txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive)
 GROUP BY txn_id
HAVING sum(amount_nusd) <> 0
 LIMIT 20;

-- :audit_txn_empty
SELECT 'txn ' || id, 2, 0
  FROM txn
 WHERE NOT EXISTS (SELECT 1 FROM entry WHERE txn_id = txn.id)
 LIMIT 20;

-- :audit_balance
-- What is archived is in the opening, also where it is not deleted yet.
SELECT 'account ' || a.id, a.opening_nusd + coalesce(e.total, 0),
       a.balance_nusd
  FROM account a
  LEFT JOIN (SELECT account_id, sum(amount_nusd) AS total
               FROM entry
              WHERE txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive)
              GROUP BY account_id) e ON e.account_id = a.id
 WHERE a.balance_nusd <> a.opening_nusd + coalesce(e.total, 0)
 LIMIT 20;

-- :audit_total
SELECT 'all accounts', 0, sum(balance_nusd)
  FROM account
HAVING sum(balance_nusd) <> 0;

-- :audit_account_held
SELECT 'account ' || a.id, coalesce(r.total, 0), a.held_nusd
  FROM account a
  LEFT JOIN (SELECT account_id, sum(reserved_nusd) AS total
               FROM request INDEXED BY request_open
              WHERE state = 'open'
              GROUP BY account_id) r ON r.account_id = a.id
 WHERE a.held_nusd <> coalesce(r.total, 0)
 LIMIT 20;

-- :audit_token_held
SELECT 'key ' || t.id, coalesce(r.total, 0), t.held_nusd
  FROM token t
  LEFT JOIN (SELECT token_id, sum(reserved_nusd) AS total
               FROM request INDEXED BY request_open
              WHERE state = 'open'
              GROUP BY token_id) r ON r.token_id = t.id
 WHERE t.held_nusd <> coalesce(r.total, 0)
 LIMIT 20;

-- :audit_token_used
SELECT 'key ' || t.id, t.forgotten_nusd + coalesce(r.total, 0), t.used_nusd
  FROM token t
  LEFT JOIN (SELECT token_id, sum(cost_nusd - refunded_nusd) AS total
               FROM request NOT INDEXED
              WHERE state IN ('settled', 'lost')
              GROUP BY token_id) r ON r.token_id = t.id
 WHERE t.used_nusd <> t.forgotten_nusd + coalesce(r.total, 0)
 LIMIT 20;

-- :audit_budget_held
SELECT 'budget ' || b.scope || ' ' || b.owner || ' ' || b.period,
       coalesce(sum(r.reserved_nusd), 0), b.held_nusd
  FROM budget b
  LEFT JOIN request r INDEXED BY request_open ON r.state = 'open'
        AND CASE b.scope
            WHEN 'token' THEN r.token_id = CAST(b.owner AS INTEGER)
            WHEN 'user' THEN r.user_id = CAST(b.owner AS INTEGER)
            ELSE r.grp = b.owner END
 GROUP BY b.id
HAVING b.held_nusd <> coalesce(sum(r.reserved_nusd), 0)
 LIMIT 20;

-- :audit_budget_used
-- Once through the log for all of them: windows begin and end with days.
SELECT 'budget ' || b.scope || ' ' || b.owner || ' ' || b.period,
       b.forgotten_nusd + coalesce(sum(s.total), 0), b.used_nusd
  FROM budget b
  LEFT JOIN (SELECT token_id, user_id, grp,
                    started_ms / 86400000 * 86400000 AS day_ms,
                    sum(cost_nusd - refunded_nusd) AS total
               FROM request NOT INDEXED
              WHERE state IN ('settled', 'lost')
                AND EXISTS (SELECT 1 FROM budget)
              GROUP BY token_id, user_id, grp, day_ms) s
    ON s.day_ms >= b.start_ms AND s.day_ms < b.end_ms
   AND CASE b.scope
       WHEN 'token' THEN s.token_id = CAST(b.owner AS INTEGER)
       WHEN 'user' THEN s.user_id = CAST(b.owner AS INTEGER)
       ELSE s.grp = b.owner END
 GROUP BY b.id
HAVING b.used_nusd <> b.forgotten_nusd + coalesce(sum(s.total), 0)
 LIMIT 20;

-- :audit_settle
-- What the rows of a settle txn cost an account, and its entry.
SELECT 'txn ' || txn_id || ', account ' || account_id, sum(cost), sum(paid)
  FROM (SELECT txn_id, account_id, cost_nusd AS cost, 0 AS paid
          FROM request
         WHERE txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive)
         UNION ALL
        SELECT f.txn_id, f.account_id, f.cost_nusd, 0
          FROM forgotten f
          JOIN txn t ON t.id = f.txn_id AND t.kind = 'settle'
         WHERE f.txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive)
         UNION ALL
        SELECT e.txn_id, e.account_id, 0, -e.amount_nusd
          FROM entry e
          JOIN txn t ON t.id = e.txn_id AND t.kind = 'settle'
          JOIN account a ON a.id = e.account_id AND a.kind <> 'revenue'
         WHERE e.txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive))
 GROUP BY txn_id, account_id
HAVING sum(cost) <> sum(paid)
 LIMIT 20;

-- :audit_refund
-- What the rows of a refund txn got back, and what revenue gave.
SELECT 'txn ' || txn_id, sum(got), sum(gave)
  FROM (SELECT refund_txn_id AS txn_id, refunded_nusd AS got, 0 AS gave
          FROM request
         WHERE refund_txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive)
         UNION ALL
        SELECT f.txn_id, -f.cost_nusd, 0
          FROM forgotten f
          JOIN txn t ON t.id = f.txn_id AND t.kind = 'refund'
         WHERE f.txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive)
         UNION ALL
        SELECT e.txn_id, 0, -e.amount_nusd
          FROM entry e
          JOIN txn t ON t.id = e.txn_id AND t.kind = 'refund'
          JOIN account a ON a.id = e.account_id AND a.kind = 'revenue'
         WHERE e.txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive))
 GROUP BY txn_id
HAVING sum(got) <> sum(gave)
 LIMIT 20;

-- :audit_revenue
SELECT 'account ' || a.id, r.total, a.balance_nusd
  FROM account a,
       (SELECT (SELECT coalesce(sum(cost_nusd - refunded_nusd), 0)
                  FROM request) +
               (SELECT coalesce(sum(cost_nusd), 0) FROM forgotten) AS total) r
 WHERE a.kind = 'revenue'
   AND a.balance_nusd <> r.total;

-- :audit_cost_posted
-- A request has a txn exactly when it cost something.
SELECT 'request ' || request_id, cost_nusd <> 0, txn_id
  FROM request
 WHERE (cost_nusd <> 0) <> (txn_id <> 0)
    OR (refunded_nusd <> 0) <> (refund_txn_id <> 0)
 LIMIT 20;

-- :audit_cost_state
-- What is open, void or refused has cost nothing.
SELECT 'request ' || request_id, 0, cost_nusd
  FROM request
 WHERE state IN ('open', 'void', 'refused')
   AND (cost_nusd <> 0 OR txn_id <> 0)
 LIMIT 20;

-- :audit_cost_range
SELECT 'request ' || request_id, 0, cost_nusd
  FROM request
 WHERE cost_nusd < 0
    OR refunded_nusd NOT BETWEEN 0 AND cost_nusd
 LIMIT 20;

-- :audit_lines
-- A bill that says how a cost came about comes to that cost; that of an open
-- request is a note of what it would cost by now.
SELECT 'request ' || request_id, cost_nusd, total
  FROM (SELECT request_id, cost_nusd,
               CASE WHEN json_valid(lines)
               THEN coalesce((SELECT sum(value ->> 'amount_nusd')
                                FROM json_each(lines)), 0)
               ELSE -1 END AS total
          FROM request
         WHERE lines <> '' AND state <> 'open')
 WHERE total <> cost_nusd
 LIMIT 20;

-- :audit_expired
-- Open since before a time: nobody knows of it any more.
SELECT 'request ' || request_id, 0, 0
  FROM request
 WHERE state = 'open' AND started_ms < :before_ms
 LIMIT 20;

-- :audit_overshoot
SELECT 'request ' || request_id, cost_nusd > reserved_nusd, overshoot
  FROM request
 WHERE state IN ('settled', 'lost')
   AND (cost_nusd > reserved_nusd) <> overshoot
 LIMIT 20;

-- :audit_owner
-- A user has one account, and an account of that kind its user.
SELECT 'user ' || u.id, 1, 0
  FROM user u
 WHERE NOT EXISTS (SELECT 1 FROM account a
                    WHERE a.kind = 'user' AND a.owner_id = u.id)
 UNION ALL
SELECT 'account ' || a.id, 1, 0
  FROM account a
 WHERE a.kind = 'user'
   AND NOT EXISTS (SELECT 1 FROM user u WHERE u.id = a.owner_id)
 LIMIT 20;

-- :audit_house
-- The accounts that are not users': there, once, and nothing held of two.
SELECT k.kind, 1, count(a.id)
  FROM (SELECT 'issued' AS kind UNION ALL SELECT 'revenue'
         UNION ALL SELECT 'operator') k
  LEFT JOIN account a ON a.kind = k.kind AND a.owner_id = 0
                     AND (a.held_nusd = 0 OR a.kind = 'operator')
 GROUP BY k.kind
HAVING count(a.id) <> 1;

-- :audit_code
-- A code that is used was posted once, for what it is worth, to who used it.
SELECT 'code ' || id, worth, posted
  FROM (SELECT c.id, c.amount_nusd AS worth,
               (SELECT coalesce(sum(e.amount_nusd), 0)
                  FROM txn t
                  JOIN entry e ON e.txn_id = t.id
                  JOIN account a ON a.id = e.account_id AND a.kind = 'user'
                                AND a.owner_id = c.user_id
                 WHERE t.id = c.txn_id AND t.kind = 'redeem') AS posted
          FROM code c
         WHERE c.used_ms <> 0
           AND (c.txn_id = 0
                OR c.txn_id > (SELECT coalesce(max(last_txn), 0)
                                 FROM archive)))
 WHERE worth <> posted
 UNION ALL
SELECT 'txn ' || t.id, 1,
       (SELECT count(*) FROM code c WHERE c.txn_id = t.id AND c.used_ms <> 0)
  FROM txn t
 WHERE t.kind = 'redeem'
   AND t.id > (SELECT coalesce(max(last_txn), 0) FROM archive)
   AND NOT EXISTS (SELECT 1 FROM meta WHERE key = 'archive_month')
   AND (SELECT count(*) FROM code c
         WHERE c.txn_id = t.id AND c.used_ms <> 0) <> 1
 LIMIT 20;

-- :audit_opening
-- What accounts had before the oldest entry that is here.
SELECT 'all accounts', 0, sum(opening_nusd)
  FROM account
HAVING sum(opening_nusd) <> 0;

-- :audit_usage
-- The sums of an hour and the rows that are in them, as far as both are kept.
SELECT 'hour ' || hour_ms, sum(row_nusd), sum(sum_nusd)
  FROM (SELECT hour_ms, 1 AS n, cost_nusd - refunded_nusd AS row_nusd,
               0 AS sum_nusd
          FROM request_roll WHERE rolled = 1
         UNION ALL
        SELECT hour_ms, -requests, 0, cost_nusd - refunded_nusd
          FROM usage_hour)
 WHERE hour_ms >= (SELECT coalesce(max(CAST(value AS INTEGER)), 0)
                     FROM meta
                    WHERE key IN ('log_kept_ms', 'usage_kept_ms'))
 GROUP BY hour_ms
HAVING sum(n) <> 0 OR sum(row_nusd) <> sum(sum_nusd)
 LIMIT 20;

-- :audit_request_refs
-- What REFERENCES would say, had request any.
SELECT 'request ' || r.request_id, 0, 0
  FROM request r
 WHERE (r.state <> 'refused'
        AND NOT EXISTS (SELECT 1 FROM account WHERE id = r.account_id))
    OR (r.user_id <> 0 AND NOT EXISTS (SELECT 1 FROM user WHERE id = r.user_id))
    OR (r.token_id <> 0
        AND NOT EXISTS (SELECT 1 FROM token WHERE id = r.token_id))
    OR (r.price_id <> 0
        AND NOT EXISTS (SELECT 1 FROM price WHERE id = r.price_id))
 LIMIT 20;

-- :audit_references
SELECT "table" || ' ' || rowid, 0, 0
  FROM pragma_foreign_key_check
 LIMIT 20;

-- :audit_file
SELECT quick_check, 0, 0
  FROM pragma_quick_check
 WHERE quick_check <> 'ok'
 LIMIT 20;
