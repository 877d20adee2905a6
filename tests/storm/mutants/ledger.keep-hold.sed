# A settle does not give back what it held of the account.
s/ST_ACCOUNT_SETTLE, "iii", h->reserved_nusd,/ST_ACCOUNT_SETTLE, "iii", 0 * h->reserved_nusd,/
