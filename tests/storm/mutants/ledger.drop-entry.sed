# One entry of all that a worker posts is dropped.
s/if (entry(db, l->txn_id, LEDGER_REVENUE, total_nusd, e) < 0)/static int nth; if (++nth != 20 \&\& entry(db, l->txn_id, LEDGER_REVENUE, total_nusd, e) < 0)/
