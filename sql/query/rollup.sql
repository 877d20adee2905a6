-- rollup.sql - requests summed up by hour.

-- :rollup_batch
-- The next rows that have ended: the last of them, and how many.
SELECT coalesce(max(id), 0), count(*)
  FROM (SELECT id FROM request
         WHERE rolled = 0 AND state <> 'open'
         ORDER BY id
         LIMIT :limit);

-- :rollup_usage
INSERT INTO usage_hour (hour_ms, user_id, token_id, channel_id, model,
                        requests, streams, refused, failed, gone, lost,
                        prompt_tok, cached_tok, completion_tok,
                        reasoning_tok,
                        cache_write_tok, cache_write_1h_tok, audio_in_tok,
                        audio_out_tok, image_in_tok, image_out_tok, searches,
                        images, audio_ms, characters,
                        cost_nusd, upstream_nusd,
                        refunded_nusd, total_ms, first_ms)
SELECT hour_ms, user_id, token_id, channel_id, model, count(*), sum(stream),
       sum(refused), sum(failed), sum(gone), sum(lost), sum(prompt_tok),
       sum(cached_tok), sum(completion_tok), sum(reasoning_tok),
       coalesce(sum(usage ->> 'cache_write_tok'), 0),
       coalesce(sum(usage ->> 'cache_write_1h_tok'), 0),
       coalesce(sum(usage ->> 'audio_in_tok'), 0),
       coalesce(sum(usage ->> 'audio_out_tok'), 0),
       coalesce(sum(usage ->> 'image_in_tok'), 0),
       coalesce(sum(usage ->> 'image_out_tok'), 0),
       coalesce(sum(usage ->> 'searches'), 0),
       coalesce(sum(usage ->> 'images'), 0),
       coalesce(sum(usage ->> 'audio_ms'), 0),
       coalesce(sum(usage ->> 'characters'), 0),
       sum(cost_nusd), sum(upstream_nusd), sum(refunded_nusd),
       sum(iif(ok, total_ms, 0)), sum(iif(ok, first_token_ms, 0))
  FROM request_roll
 WHERE rolled = 0 AND id <= :last
 GROUP BY hour_ms, user_id, token_id, channel_id, model
    ON CONFLICT (hour_ms, user_id, token_id, channel_id, model) DO UPDATE
   SET requests = requests + excluded.requests,
       streams = streams + excluded.streams,
       refused = refused + excluded.refused,
       failed = failed + excluded.failed,
       gone = gone + excluded.gone,
       lost = lost + excluded.lost,
       prompt_tok = prompt_tok + excluded.prompt_tok,
       cached_tok = cached_tok + excluded.cached_tok,
       completion_tok = completion_tok + excluded.completion_tok,
       reasoning_tok = reasoning_tok + excluded.reasoning_tok,
       cache_write_tok = cache_write_tok + excluded.cache_write_tok,
       cache_write_1h_tok = cache_write_1h_tok + excluded.cache_write_1h_tok,
       audio_in_tok = audio_in_tok + excluded.audio_in_tok,
       audio_out_tok = audio_out_tok + excluded.audio_out_tok,
       image_in_tok = image_in_tok + excluded.image_in_tok,
       image_out_tok = image_out_tok + excluded.image_out_tok,
       searches = searches + excluded.searches,
       images = images + excluded.images,
       audio_ms = audio_ms + excluded.audio_ms,
       characters = characters + excluded.characters,
       cost_nusd = cost_nusd + excluded.cost_nusd,
       upstream_nusd = upstream_nusd + excluded.upstream_nusd,
       refunded_nusd = refunded_nusd + excluded.refunded_nusd,
       total_ms = total_ms + excluded.total_ms,
       first_ms = first_ms + excluded.first_ms;

-- :rollup_errors
INSERT INTO error_hour (hour_ms, channel_id, model, error, requests)
SELECT hour_ms, channel_id, model, error, count(*)
  FROM request_roll
 WHERE rolled = 0 AND id <= :last AND error <> ''
 GROUP BY hour_ms, channel_id, model, error
    ON CONFLICT (hour_ms, channel_id, model, error) DO UPDATE
   SET requests = requests + excluded.requests;

-- :rollup_times
INSERT INTO latency_hour (hour_ms, channel_id, model, what, bucket, requests)
SELECT hour_ms, channel_id, model, what, bucket, count(*)
  FROM request_time
 WHERE rolled = 0 AND id <= :last
 GROUP BY hour_ms, channel_id, model, what, bucket
    ON CONFLICT (hour_ms, channel_id, model, what, bucket) DO UPDATE
   SET requests = requests + excluded.requests;

-- :rollup_mark
UPDATE request
   SET rolled = 1
 WHERE rolled = 0 AND state <> 'open' AND id <= :last;

-- :rollup_any
SELECT EXISTS (SELECT 1 FROM request WHERE rolled = 0 AND state <> 'open');

-- :rollup_waiting
SELECT count(*) FROM request WHERE rolled = 0 AND state <> 'open';

-- Once more, of the rows that are in the sums.

-- :rebuild_newest_txn
SELECT max((SELECT coalesce(max(id), 0) FROM txn),
           (SELECT coalesce(max(last_txn), 0) FROM archive));

-- :rebuild_refunds
-- What a read of the log cannot have seen.
SELECT count(*) FROM txn WHERE id > :newest AND kind = 'refund';

-- :rebuild_span
-- The hours that there may be something of: the first, and after the last.
SELECT coalesce(min(a), 0), coalesce(max(b), 0)
  FROM (SELECT min(started_ms - started_ms % 3600000) AS a,
               max(started_ms) + 1 AS b
          FROM request
         UNION ALL
        SELECT min(hour_ms), max(hour_ms) + 1 FROM usage_hour);

-- :rebuild_usage
SELECT hour_ms, user_id, token_id, channel_id, model, count(*), sum(stream),
       sum(refused), sum(failed), sum(gone), sum(lost), sum(prompt_tok),
       sum(cached_tok), sum(completion_tok), sum(reasoning_tok),
       coalesce(sum(usage ->> 'cache_write_tok'), 0),
       coalesce(sum(usage ->> 'cache_write_1h_tok'), 0),
       coalesce(sum(usage ->> 'audio_in_tok'), 0),
       coalesce(sum(usage ->> 'audio_out_tok'), 0),
       coalesce(sum(usage ->> 'image_in_tok'), 0),
       coalesce(sum(usage ->> 'image_out_tok'), 0),
       coalesce(sum(usage ->> 'searches'), 0),
       coalesce(sum(usage ->> 'images'), 0),
       coalesce(sum(usage ->> 'audio_ms'), 0),
       coalesce(sum(usage ->> 'characters'), 0),
       sum(cost_nusd), sum(upstream_nusd), sum(refunded_nusd),
       sum(iif(ok, total_ms, 0)), sum(iif(ok, first_token_ms, 0))
  FROM request_roll
 WHERE rolled = 1 AND hour_ms >= :from AND hour_ms < :to
 GROUP BY hour_ms, user_id, token_id, channel_id, model
 ORDER BY hour_ms;

-- :rebuild_errors
SELECT hour_ms, channel_id, model, error, count(*)
  FROM request_roll
 WHERE rolled = 1 AND hour_ms >= :from AND hour_ms < :to AND error <> ''
 GROUP BY hour_ms, channel_id, model, error
 ORDER BY hour_ms;

-- :rebuild_times
SELECT hour_ms, channel_id, model, what, bucket, count(*)
  FROM request_time
 WHERE rolled = 1 AND hour_ms >= :from AND hour_ms < :to
 GROUP BY hour_ms, channel_id, model, what, bucket
 ORDER BY hour_ms;

-- :rebuild_drop_usage
DELETE FROM usage_hour WHERE hour_ms = :hour_ms;

-- :rebuild_drop_errors
DELETE FROM error_hour WHERE hour_ms = :hour_ms;

-- :rebuild_drop_times
DELETE FROM latency_hour WHERE hour_ms = :hour_ms;

-- :rebuild_put_usage
INSERT INTO usage_hour (hour_ms, user_id, token_id, channel_id, model,
                        requests, streams, refused, failed, gone, lost,
                        prompt_tok, cached_tok, completion_tok,
                        reasoning_tok,
                        cache_write_tok, cache_write_1h_tok, audio_in_tok,
                        audio_out_tok, image_in_tok, image_out_tok, searches,
                        images, audio_ms, characters,
                        cost_nusd, upstream_nusd,
                        refunded_nusd, total_ms, first_ms)
VALUES (:hour_ms, :user_id, :token_id, :channel_id, :model, :requests,
        :streams, :refused, :failed, :gone, :lost, :prompt_tok, :cached_tok,
        :completion_tok, :reasoning_tok,
        :cache_write_tok, :cache_write_1h_tok, :audio_in_tok, :audio_out_tok,
        :image_in_tok, :image_out_tok, :searches, :images, :audio_ms,
        :characters,
        :cost_nusd, :upstream_nusd,
        :refunded_nusd, :total_ms, :first_ms);

-- :rebuild_put_error
INSERT INTO error_hour (hour_ms, channel_id, model, error, requests)
VALUES (:hour_ms, :channel_id, :model, :error, :requests);

-- :rebuild_put_time
INSERT INTO latency_hour (hour_ms, channel_id, model, what, bucket, requests)
VALUES (:hour_ms, :channel_id, :model, :what, :bucket, :requests);

-- Read by people.  What is not in the sums yet is counted from the log.

-- :usage_report
SELECT CASE :by
       WHEN 'user' THEN coalesce(u.name, '')
       WHEN 'token' THEN coalesce(t.name, '')
       WHEN 'channel' THEN coalesce(c.name, '') WHEN 'model' THEN x.model
       ELSE '' END AS name,
       CASE :by
       WHEN 'user' THEN x.user_id WHEN 'token' THEN x.token_id
       WHEN 'channel' THEN x.channel_id
       WHEN 'day' THEN x.hour_ms - x.hour_ms % 86400000
       WHEN 'hour' THEN x.hour_ms ELSE 0 END AS number,
       sum(requests), sum(streams), sum(refused), sum(failed), sum(gone),
       sum(lost), sum(prompt_tok), sum(cached_tok), sum(completion_tok),
       sum(reasoning_tok), sum(cost_nusd), sum(x.upstream_nusd),
       sum(refunded_nusd), sum(x.total_ms),
       sum(cache_write_tok), sum(cache_write_1h_tok), sum(audio_in_tok),
       sum(audio_out_tok), sum(image_in_tok), sum(image_out_tok),
       sum(searches), sum(images), sum(audio_ms), sum(characters)
  FROM (SELECT hour_ms, user_id, token_id, channel_id, model, requests,
               streams, refused, failed, gone, lost, prompt_tok, cached_tok,
               completion_tok, reasoning_tok, cost_nusd, upstream_nusd,
               refunded_nusd, total_ms,
               cache_write_tok, cache_write_1h_tok, audio_in_tok,
               audio_out_tok, image_in_tok, image_out_tok, searches, images,
               audio_ms, characters
          FROM usage_hour
         WHERE hour_ms >= :since_ms AND :user_id IN (0, user_id)
         UNION ALL
        SELECT hour_ms, user_id, token_id, channel_id, model, 1, stream,
               refused, failed, gone, lost, prompt_tok, cached_tok,
               completion_tok, reasoning_tok, cost_nusd, upstream_nusd,
               refunded_nusd, iif(ok, total_ms, 0),
               usage ->> 'cache_write_tok',
               usage ->> 'cache_write_1h_tok',
               usage ->> 'audio_in_tok',
               usage ->> 'audio_out_tok',
               usage ->> 'image_in_tok',
               usage ->> 'image_out_tok',
               usage ->> 'searches',
               usage ->> 'images',
               usage ->> 'audio_ms',
               usage ->> 'characters'
          FROM request_roll
         WHERE rolled = 0 AND hour_ms >= :since_ms
           AND :user_id IN (0, user_id)) x
  LEFT JOIN user u ON u.id = x.user_id
  LEFT JOIN token t ON t.id = x.token_id
  LEFT JOIN channel c ON c.id = x.channel_id
 GROUP BY 1, 2
 ORDER BY CASE WHEN :by IN ('day', 'hour') THEN 0 ELSE -sum(cost_nusd) END,
          2, 1;

-- :usage_times
-- By bucket; the name and the number as in usage_report.
SELECT CASE :by
       WHEN 'channel' THEN coalesce(c.name, '') WHEN 'model' THEN x.model
       ELSE '' END AS name,
       CASE :by
       WHEN 'channel' THEN x.channel_id
       WHEN 'day' THEN x.hour_ms - x.hour_ms % 86400000
       WHEN 'hour' THEN x.hour_ms ELSE 0 END AS number,
       what, bucket, sum(requests)
  FROM (SELECT hour_ms, channel_id, model, what, bucket, requests
          FROM latency_hour WHERE hour_ms >= :since_ms
         UNION ALL
        SELECT hour_ms, channel_id, model, what, bucket, 1
          FROM request_time WHERE rolled = 0 AND hour_ms >= :since_ms) x
  LEFT JOIN channel c ON c.id = x.channel_id
 GROUP BY 1, 2, what, bucket
 ORDER BY 1, 2, what, bucket;

-- :usage_errors
SELECT error, sum(requests)
  FROM (SELECT error, requests
          FROM error_hour WHERE hour_ms >= :since_ms
         UNION ALL
        SELECT error, 1
          FROM request_roll
         WHERE rolled = 0 AND hour_ms >= :since_ms AND error <> '')
 GROUP BY error
 ORDER BY 2 DESC, 1;
