-- spend.sql - what a key has used, by day and model.

-- :spend_days
-- From the roll-ups, an hour at a time so that each is a look-up, and from the
-- rows that are not in them yet.  (The plus keeps the key's index out of it:
-- what is not rolled yet is little, a key's rows may be millions.)
WITH RECURSIVE hour (ms) AS (
	SELECT :from_ms
	UNION ALL
	SELECT ms + 3600000 FROM hour WHERE ms + 3600000 < :to_ms
), part AS (
	SELECT u.hour_ms AS at_ms, u.model, u.requests, u.prompt_tok,
	       u.cached_tok, u.completion_tok, u.reasoning_tok, u.cost_nusd,
	       u.refunded_nusd,
	       u.cache_write_tok, u.cache_write_1h_tok, u.audio_in_tok,
	       u.audio_out_tok, u.image_in_tok, u.image_out_tok, u.searches,
	       u.images, u.audio_ms, u.characters
	  FROM hour
	 CROSS JOIN usage_hour u
	 WHERE u.hour_ms = hour.ms
	   AND u.user_id = :user_id
	   AND u.token_id = :token_id
	UNION ALL
	SELECT r.hour_ms, r.model, 1, r.prompt_tok, r.cached_tok,
	       r.completion_tok, r.reasoning_tok, r.cost_nusd, r.refunded_nusd,
	       r.usage ->> 'cache_write_tok',
	       r.usage ->> 'cache_write_1h_tok',
	       r.usage ->> 'audio_in_tok',
	       r.usage ->> 'audio_out_tok',
	       r.usage ->> 'image_in_tok',
	       r.usage ->> 'image_out_tok',
	       r.usage ->> 'searches',
	       r.usage ->> 'images',
	       r.usage ->> 'audio_ms',
	       r.usage ->> 'characters'
	  FROM request_roll r
	 WHERE r.rolled = 0
	   AND +r.token_id = :token_id
	   AND r.hour_ms >= :from_ms
	   AND r.hour_ms < :to_ms
)
SELECT at_ms / 86400000 * 86400000 AS day_ms, model,
       sum(requests) AS requests, sum(prompt_tok) AS prompt_tok,
       sum(cached_tok) AS cached_tok, sum(completion_tok) AS completion_tok,
       sum(reasoning_tok) AS reasoning_tok, sum(cost_nusd) AS cost_nusd,
       sum(refunded_nusd) AS refunded_nusd,
       sum(cache_write_tok), sum(cache_write_1h_tok), sum(audio_in_tok),
       sum(audio_out_tok), sum(image_in_tok), sum(image_out_tok),
       sum(searches), sum(images), sum(audio_ms), sum(characters)
  FROM part
 GROUP BY day_ms, model
 ORDER BY day_ms, model;
