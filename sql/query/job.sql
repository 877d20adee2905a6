-- job.sql - what relay workers are asked to do.

-- :job_add
INSERT INTO job (kind, channel_id, args, created_ms)
VALUES (:kind, :channel_id, :args, :now_ms);

-- :job_get
SELECT id, kind, channel_id, args, state, result, created_ms, taken_by,
       taken_ms, done_ms
  FROM job
 WHERE id = :id;

-- :job_waits
SELECT EXISTS (SELECT 1 FROM job
                WHERE state <> 'done' AND state = 'queued');

-- :job_next
-- The oldest that waits, or that a worker has left behind.
SELECT id
  FROM job
 WHERE state <> 'done'
   AND (state = 'queued' OR taken_ms < :stale_before_ms)
 ORDER BY id
 LIMIT 1;

-- :job_take
-- Only one of several workers changes a row here.
UPDATE job
   SET state = 'taken', taken_by = :worker_id, taken_ms = :now_ms
 WHERE id = :id
   AND (state = 'queued'
        OR (state = 'taken' AND taken_ms < :stale_before_ms));

-- :job_done
UPDATE job
   SET state = 'done', result = :result, done_ms = :now_ms
 WHERE id = :id AND state <> 'done';
