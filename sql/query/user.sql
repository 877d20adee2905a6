-- user.sql - who may sign in and who owns keys.

-- :user_add
INSERT INTO user (name, role, grp, passwd, created_ms)
VALUES (:name, :role, :grp, :passwd, :now_ms);

-- :user_account_add
INSERT INTO account (kind, owner_id) VALUES ('user', :user_id);

-- :user_find
SELECT id, name, role, grp, enabled, passwd, created_ms, account_id,
       balance_nusd, held_nusd, spent_nusd
  FROM user_view
 WHERE name = :name;

-- :user_get
SELECT id, name, role, grp, enabled, passwd, created_ms, account_id,
       balance_nusd, held_nusd, spent_nusd
  FROM user_view
 WHERE id = :id;

-- :user_list
SELECT id, name, role, grp, enabled, passwd, created_ms, account_id,
       balance_nusd, held_nusd, spent_nusd
  FROM user_view
 ORDER BY name;

-- :user_set
UPDATE user
   SET role = coalesce(:role, role),
       grp = coalesce(:grp, grp),
       passwd = coalesce(:passwd, passwd),
       enabled = CASE :enabled WHEN -1 THEN enabled ELSE :enabled END
 WHERE id = :id;
