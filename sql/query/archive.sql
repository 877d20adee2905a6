-- archive.sql - closed months of the ledger.  Some run in the database, some
-- in the file that is being made of it, which has the same tables.

-- :archive_done
-- What is archived: the newest txn, and the month.
SELECT coalesce(max(last_txn), 0), coalesce(max(month), '') FROM archive;

-- :archive_next
-- The oldest txn that is not.
SELECT id, at_ms
  FROM txn
 WHERE id > (SELECT coalesce(max(last_txn), 0) FROM archive)
 ORDER BY id
 LIMIT 1;

-- :archive_last
-- Before the first of a later month.
SELECT coalesce((SELECT id - 1 FROM txn
                  WHERE id > :first AND at_ms >= :end_ms
                  ORDER BY id LIMIT 1),
                (SELECT max(id) FROM txn));

-- :archive_users
SELECT id, name, role, grp, enabled, created_ms FROM user ORDER BY id;

-- :archive_put_user
INSERT INTO user (id, name, role, grp, enabled, created_ms)
VALUES (:id, :name, :role, :grp, :enabled, :created_ms);

-- :archive_accounts
SELECT id, kind, owner_id, balance_nusd, floor_nusd, opening_nusd
  FROM account ORDER BY id;

-- :archive_put_account
INSERT OR REPLACE INTO account (id, kind, owner_id, balance_nusd, floor_nusd,
                                opening_nusd)
VALUES (:id, :kind, :owner_id, :balance_nusd, :floor_nusd, :opening_nusd);

-- :archive_txns
SELECT id, kind, at_ms, actor, reason, ref
  FROM txn
 WHERE id > :after AND id <= :last
 ORDER BY id
 LIMIT :limit;

-- :archive_entries
SELECT txn_id, account_id, amount_nusd
  FROM entry
 WHERE txn_id > :after AND txn_id <= :last
 ORDER BY txn_id, account_id;

-- :archive_log
-- A piece of the log: its last row, and what txns of the month took.
SELECT coalesce(max(id), 0),
       coalesce(sum(iif(txn_id BETWEEN :first AND :last, cost_nusd, 0) -
                    iif(refund_txn_id BETWEEN :first AND :last,
                        refunded_nusd, 0)), 0)
  FROM (SELECT id, txn_id, cost_nusd, refund_txn_id, refunded_nusd
          FROM request
         WHERE id > :after
         ORDER BY id
         LIMIT :limit);

-- :archive_forgotten
SELECT coalesce(sum(cost_nusd), 0)
  FROM forgotten
 WHERE txn_id BETWEEN :first AND :last;

-- :archive_revenue
-- In the file: what the month's entries gave to revenue.
SELECT coalesce(sum(e.amount_nusd), 0)
  FROM entry e
  JOIN account a ON a.id = e.account_id AND a.kind = 'revenue';

-- :archive_close_accounts
UPDATE account
   SET balance_nusd = a.opening_nusd + coalesce(s.nusd, 0)
  FROM account AS a
  LEFT JOIN (SELECT account_id, sum(amount_nusd) AS nusd
               FROM entry GROUP BY account_id) AS s ON s.account_id = a.id
 WHERE a.id = account.id;

-- :archive_close_costs
-- The rows of the log are not in the file: their sums are.
INSERT INTO forgotten (txn_id, account_id, cost_nusd)
SELECT e.txn_id, e.account_id, -e.amount_nusd
  FROM entry e
  JOIN txn t ON t.id = e.txn_id AND t.kind IN ('settle', 'refund')
  JOIN account a ON a.id = e.account_id AND a.kind <> 'revenue'
 UNION ALL
SELECT 0, id, opening_nusd FROM account WHERE kind = 'revenue';

-- :archive_refs
INSERT INTO archived_ref (ref, txn_id, account_id, amount_nusd)
SELECT t.ref, t.id, e.account_id, e.amount_nusd
  FROM txn t
  JOIN entry e ON e.txn_id = t.id
  JOIN account a ON a.id = e.account_id AND a.kind <> 'issued'
 WHERE t.ref IS NOT NULL
   AND t.id BETWEEN :first AND :last
   AND t.kind IN ('grant', 'topup', 'adjust');

-- :archive_enter
INSERT INTO archive (month, last_txn, file, sha256, created_ms)
VALUES (:month, :last, :file, :sha256, :now_ms);

-- :archive_open
UPDATE account SET opening_nusd = opening_nusd + :amount WHERE id = :id;

-- :archive_piece
-- The last of the next txns to delete; 0: none is left.
SELECT coalesce(max(id), 0)
  FROM (SELECT id FROM txn
         WHERE id <= (SELECT coalesce(max(last_txn), 0) FROM archive)
         ORDER BY id
         LIMIT :limit);

-- :archive_forget
INSERT INTO forgotten (txn_id, account_id, cost_nusd)
SELECT 0, account_id, sum(cost_nusd)
  FROM forgotten
 WHERE txn_id BETWEEN 1 AND :upto
 GROUP BY account_id
    ON CONFLICT (txn_id, account_id) DO UPDATE
   SET cost_nusd = cost_nusd + excluded.cost_nusd;

-- :archive_forget_each
DELETE FROM forgotten WHERE txn_id BETWEEN 1 AND :upto;

-- :archive_drop_entries
DELETE FROM entry WHERE txn_id <= :upto;

-- :archive_drop_txns
DELETE FROM txn WHERE id <= :upto;

-- :archive_list
SELECT id, month, file, sha256, last_txn, created_ms FROM archive ORDER BY id;
