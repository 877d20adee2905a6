-- limit.sql - limits of users, groups and models.

-- :limit_set
INSERT INTO rate_limit (scope, owner, rpm, tpm, concurrency, rpd)
VALUES (:scope, :owner, :rpm, :tpm, :concurrency, :rpd)
    ON CONFLICT (scope, owner) DO UPDATE
   SET rpm = excluded.rpm, tpm = excluded.tpm,
       concurrency = excluded.concurrency, rpd = excluded.rpd;

-- :limit_get
SELECT scope, owner, rpm, tpm, concurrency, rpd
  FROM rate_limit
 WHERE scope = :scope AND owner = :owner;

-- :limit_list
SELECT scope, owner, rpm, tpm, concurrency, rpd
  FROM rate_limit
 ORDER BY scope, owner;

-- :limit_drop
DELETE FROM rate_limit WHERE scope = :scope AND owner = :owner;
