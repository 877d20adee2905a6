-- budget.sql - what keys, users and groups may spend in a day, a week, a
-- month, or at all.

-- :budget_hold
-- Of all that concern a request, those in their window with room for it.
UPDATE budget
   SET held_nusd = held_nusd + :amount
 WHERE ((scope = 'token' AND owner = CAST(:token_id AS TEXT))
        OR (scope = 'user' AND owner = CAST(:user_id AS TEXT))
        OR (scope = 'group' AND owner = :grp))
   AND used_nusd + held_nusd + :amount <= limit_nusd
   AND :now_ms < end_ms
   AND :now_ms >= start_ms - :slack_ms;

-- :budget_settle
-- Of an open request: gives back what it holds, and takes what it cost where
-- it started in the present window.
UPDATE budget
   SET held_nusd = held_nusd - :reserved,
       used_nusd = used_nusd + CASE
           WHEN :started_ms >= start_ms AND :started_ms < end_ms
           THEN :cost ELSE 0 END
 WHERE (scope = 'token' AND owner = (
        SELECT CAST(token_id AS TEXT) FROM request WHERE id = :id))
    OR (scope = 'user' AND owner = (
        SELECT CAST(user_id AS TEXT) FROM request WHERE id = :id))
    OR (scope = 'group' AND owner = (
        SELECT grp FROM request WHERE id = :id));

-- :budget_refund
-- Of a request that cost something.
UPDATE budget
   SET used_nusd = used_nusd - :amount
 WHERE ((scope = 'token' AND owner = (
        SELECT CAST(token_id AS TEXT) FROM request WHERE id = :id))
    OR (scope = 'user' AND owner = (
        SELECT CAST(user_id AS TEXT) FROM request WHERE id = :id))
    OR (scope = 'group' AND owner = (
        SELECT grp FROM request WHERE id = :id)))
   AND (SELECT started_ms FROM request WHERE id = :id)
       BETWEEN start_ms AND end_ms - 1;

-- :budget_forget
-- Before these rows of the log are deleted.
UPDATE budget
   SET forgotten_nusd = forgotten_nusd + (
       SELECT coalesce(sum(r.cost_nusd - r.refunded_nusd), 0)
         FROM request r
        WHERE r.id BETWEEN :first AND :last
          AND r.state IN ('settled', 'lost')
          AND r.started_ms >= start_ms AND r.started_ms < end_ms
          AND CASE scope
              WHEN 'token' THEN r.token_id = CAST(owner AS INTEGER)
              WHEN 'user' THEN r.user_id = CAST(owner AS INTEGER)
              ELSE r.grp = owner END);

-- :budget_count
SELECT count(*)
  FROM budget
 WHERE (scope = 'token' AND owner = CAST(:token_id AS TEXT))
    OR (scope = 'user' AND owner = CAST(:user_id AS TEXT))
    OR (scope = 'group' AND owner = :grp);

-- :budgets_of
-- All that concern somebody.
SELECT id, scope, owner, period, limit_nusd, start_ms, end_ms, seen_ms,
       used_nusd, held_nusd, forgotten_nusd
  FROM budget
 WHERE (scope = 'token' AND owner = CAST(:token_id AS TEXT))
    OR (scope = 'user' AND owner = CAST(:user_id AS TEXT))
    OR (scope = 'group' AND owner = :grp);

-- :budgets_of_request
SELECT id, scope, owner, period, limit_nusd, start_ms, end_ms, seen_ms,
       used_nusd, held_nusd, forgotten_nusd
  FROM budget
 WHERE (scope = 'token' AND owner = (
        SELECT CAST(token_id AS TEXT) FROM request WHERE id = :id))
    OR (scope = 'user' AND owner = (
        SELECT CAST(user_id AS TEXT) FROM request WHERE id = :id))
    OR (scope = 'group' AND owner = (
        SELECT grp FROM request WHERE id = :id));

-- :budget_list
SELECT id, scope, owner, period, limit_nusd, start_ms, end_ms, seen_ms,
       used_nusd, held_nusd, forgotten_nusd,
       CASE scope
       WHEN 'token' THEN (SELECT name FROM token
                           WHERE id = CAST(owner AS INTEGER))
       WHEN 'user' THEN (SELECT name FROM user
                          WHERE id = CAST(owner AS INTEGER))
       ELSE owner END AS name
  FROM budget
 ORDER BY scope, owner, id;

-- :budget_find
SELECT id, scope, owner, period, limit_nusd, start_ms, end_ms, seen_ms,
       used_nusd, held_nusd, forgotten_nusd
  FROM budget
 WHERE scope = :scope AND owner = :owner AND period = :period;

-- :budget_add
INSERT INTO budget (scope, owner, period, limit_nusd)
VALUES (:scope, :owner, :period, :limit);

-- :budget_limit
UPDATE budget SET limit_nusd = :limit WHERE id = :id;

-- :budget_remove
DELETE FROM budget
 WHERE scope = :scope AND owner = :owner AND period = :period;

-- :budget_roll
-- Into a window that it has never been in: no request started there.
UPDATE budget
   SET start_ms = :start_ms, end_ms = :end_ms, seen_ms = :start_ms,
       used_nusd = 0, forgotten_nusd = 0
 WHERE id = :id;

-- :budget_recount
-- New, or in a window again, because the clock went back: as the log has it.
-- seen: no request has started after it.
UPDATE budget
   SET start_ms = :start_ms, end_ms = :end_ms, forgotten_nusd = :forgotten,
       seen_ms = max(seen_ms, :start_ms, log.latest_ms),
       used_nusd = :forgotten + log.used_nusd,
       held_nusd = log.held_nusd
  FROM (SELECT coalesce(max(started_ms), 0) AS latest_ms,
               coalesce(sum(iif(state = 'open', reserved_nusd, 0)), 0)
               AS held_nusd,
               coalesce(sum(iif(state IN ('settled', 'lost')
                                AND started_ms >= :start_ms
                                AND started_ms < :end_ms,
                                cost_nusd - refunded_nusd, 0)), 0)
               AS used_nusd
          FROM (SELECT state, started_ms, reserved_nusd, cost_nusd,
                       refunded_nusd
                  FROM request
                 WHERE :scope = 'token' AND token_id = CAST(:owner AS INTEGER)
                 UNION ALL
                SELECT state, started_ms, reserved_nusd, cost_nusd,
                       refunded_nusd
                  FROM request
                 WHERE :scope = 'user' AND user_id = CAST(:owner AS INTEGER)
                 UNION ALL
                SELECT state, started_ms, reserved_nusd, cost_nusd,
                       refunded_nusd
                  FROM request
                 WHERE :scope = 'group' AND grp = :owner)) AS log
 WHERE id = :id;

-- :budget_forgotten
-- What somebody's rows had cost that are no longer in the log.
SELECT coalesce(sum(forgotten_nusd), 0)
  FROM token
 WHERE CASE :scope
       WHEN 'token' THEN id = CAST(:owner AS INTEGER)
       WHEN 'user' THEN user_id = CAST(:owner AS INTEGER)
       ELSE 0 END;
