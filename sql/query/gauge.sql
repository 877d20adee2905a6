-- gauge.sql - what is under way in the ledger, for /metrics.

-- :gauge_open
SELECT count(*), coalesce(sum(reserved_nusd), 0), coalesce(min(started_ms), 0)
  FROM request INDEXED BY request_open
 WHERE state = 'open';

-- :gauge_routes
SELECT count(*), coalesce(sum(c.state = 'disabled'), 0),
       coalesce(sum(k.n), 0), coalesce(sum(k.n_disabled), 0)
  FROM channel c
  LEFT JOIN (SELECT channel_id, count(*) AS n,
                    sum(state = 'disabled') AS n_disabled
               FROM channel_key
              WHERE enabled = 1
              GROUP BY channel_id) k ON k.channel_id = c.id
 WHERE c.deleted_ms = 0 AND c.enabled = 1;
