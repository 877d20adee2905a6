-- gauge.sql - what is under way in the ledger, for /metrics.

-- :gauge_open
SELECT count(*), coalesce(sum(reserved_nusd), 0), coalesce(min(started_ms), 0)
  FROM request INDEXED BY request_open
 WHERE state = 'open';
