-- moves.sql - movements of money that are no request's, and refunds.

-- :moves_by_ref
-- What has been done under a ref: to whom, how much.
SELECT e.txn_id, e.account_id, e.amount_nusd
  FROM txn t
  JOIN entry e ON e.txn_id = t.id
 WHERE t.ref = :ref AND e.account_id = :account_id
 UNION ALL
SELECT txn_id, account_id, amount_nusd
  FROM archived_ref
 WHERE ref = :ref AND account_id = :account_id;

-- :moves_ref_taken
SELECT EXISTS (SELECT 1 FROM txn WHERE ref = :ref)
    OR EXISTS (SELECT 1 FROM archived_ref WHERE ref = :ref);

-- :moves_take
-- Out of an account, no more than is free there.
UPDATE account
   SET balance_nusd = balance_nusd - :amount
 WHERE id = :id
   AND balance_nusd - held_nusd - :amount >= 0;

-- :moves_refundable
SELECT id, state, account_id, token_id, cost_nusd, refund_txn_id, rolled
  FROM request
 WHERE request_id = :request_id;

-- :moves_refund_row
UPDATE request
   SET refunded_nusd = :amount, refund_txn_id = :txn_id
 WHERE id = :id AND refund_txn_id = 0;

-- :moves_refund_token
UPDATE token SET used_nusd = used_nusd - :amount WHERE id = :id;

-- :moves_refund_hour
UPDATE usage_hour
   SET refunded_nusd = refunded_nusd + :amount
 WHERE (hour_ms, user_id, token_id, channel_id, model) =
       (SELECT hour_ms, user_id, token_id, channel_id, model
          FROM request_roll WHERE id = :id);

-- :moves_list
-- Backwards from the newest; before: what came later, to count back from the
-- balance that is.
SELECT e.txn_id, t.at_ms, t.kind, t.actor, t.reason, t.ref, e.amount_nusd
  FROM entry e
  JOIN txn t ON t.id = e.txn_id
 WHERE e.account_id = :account_id
   AND e.txn_id < :before
   AND e.txn_id > (SELECT coalesce(max(last_txn), 0) FROM archive)
 ORDER BY e.txn_id DESC
 LIMIT :limit;

-- :moves_balance
-- What an account had before a txn.
SELECT a.balance_nusd - coalesce(
           (SELECT sum(e.amount_nusd) FROM entry e
             WHERE e.account_id = a.id AND e.txn_id >= :before), 0)
  FROM account a
 WHERE a.id = :account_id;
