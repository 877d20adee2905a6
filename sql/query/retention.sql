-- retention.sql - what is no longer kept.

-- :retention_batch
-- The oldest rows of the log that are old enough and summed up, as far as
-- they stand together; never the newest row.
WITH old AS (SELECT id, started_ms < :until_ms AND rolled = 1 AS is_old
               FROM request ORDER BY id LIMIT :limit)
SELECT coalesce(min(id), 0), coalesce(max(id), 0), count(*)
  FROM old
 WHERE id < min((SELECT coalesce(max(id), 0) FROM request),
                (SELECT coalesce(min(id), 9223372036854775807)
                   FROM old WHERE NOT is_old));

-- :retention_costs
-- Of a txn that is archived only the sum of all is kept, under 0.
INSERT INTO forgotten (txn_id, account_id, cost_nusd)
SELECT iif(txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive),
           txn_id, 0), account_id, sum(cost_nusd)
  FROM request
 WHERE id BETWEEN :first AND :last AND txn_id <> 0
 GROUP BY 1, 2
    ON CONFLICT (txn_id, account_id) DO UPDATE
   SET cost_nusd = cost_nusd + excluded.cost_nusd;

-- :retention_refunds
INSERT INTO forgotten (txn_id, account_id, cost_nusd)
SELECT iif(refund_txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive),
           refund_txn_id, 0), account_id, -sum(refunded_nusd)
  FROM request
 WHERE id BETWEEN :first AND :last AND refund_txn_id <> 0
 GROUP BY 1, 2
    ON CONFLICT (txn_id, account_id) DO UPDATE
   SET cost_nusd = cost_nusd + excluded.cost_nusd;

-- :retention_tokens
UPDATE token
   SET forgotten_nusd = forgotten_nusd + gone.nusd
  FROM (SELECT token_id, sum(cost_nusd - refunded_nusd) AS nusd
          FROM request
         WHERE id BETWEEN :first AND :last AND state IN ('settled', 'lost')
         GROUP BY token_id) AS gone
 WHERE token.id = gone.token_id;

-- :retention_delete
DELETE FROM request WHERE id BETWEEN :first AND :last;

-- :retention_kept
SELECT CAST(value AS INTEGER) FROM meta WHERE key = :key;

-- :retention_keep
INSERT INTO meta (key, value) VALUES (:key, :from_ms)
    ON CONFLICT (key) DO UPDATE
   SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER));

-- :retention_hour
-- The oldest hour that there is a sum of.
SELECT min(coalesce((SELECT min(hour_ms) FROM usage_hour), :none),
           coalesce((SELECT min(hour_ms) FROM error_hour), :none),
           coalesce((SELECT min(hour_ms) FROM latency_hour), :none));
