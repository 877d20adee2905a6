-- db.sql - transactions.

-- :tx_begin
-- IMMEDIATE: who will write says so first, and no COMMIT finds the lock taken.
BEGIN IMMEDIATE;

-- :tx_begin_read
BEGIN DEFERRED;

-- :tx_commit
COMMIT;

-- :tx_rollback
ROLLBACK;

-- :tx_savepoint
SAVEPOINT op;

-- :tx_release
RELEASE op;

-- :tx_undo
ROLLBACK TO op;
