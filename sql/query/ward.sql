-- ward.sql - provider keys that the gateway itself has disabled.

-- :ward_key
UPDATE channel_key
   SET state = 'disabled', reason = :reason, state_ms = :now_ms,
       probe_ms = :probe_ms
 WHERE id = :id AND state = 'ok' AND enabled = 1;

-- :ward_channel
-- Where no key is left that works.
UPDATE channel
   SET state = 'disabled', reason = :reason, state_ms = :now_ms
 WHERE id = :id AND state <> 'disabled'
   AND NOT EXISTS (SELECT 1 FROM channel_key k
                    WHERE k.channel_id = channel.id AND k.enabled = 1
                      AND k.state = 'ok');

-- :ward_lift
UPDATE channel_key
   SET state = 'ok', reason = '', state_ms = :now_ms, probe_ms = 0
 WHERE id = :id AND state = 'disabled';

-- :ward_due
SELECT k.id, k.channel_id, k.state_ms, k.probe_ms
  FROM channel_key k
  JOIN channel c ON c.id = k.channel_id AND c.deleted_ms = 0 AND c.enabled = 1
 WHERE k.state = 'disabled' AND k.enabled = 1
   AND k.probe_ms > 0 AND k.probe_ms <= :now_ms
 ORDER BY k.probe_ms
 LIMIT 1;

-- :ward_next
UPDATE channel_key SET probe_ms = :next_ms
 WHERE id = :id AND probe_ms = :probe_ms AND state = 'disabled';
