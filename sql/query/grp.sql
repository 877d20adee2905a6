-- grp.sql - groups of users and what they pay of the price.

-- :grp_set
INSERT INTO grp (name, factor_ppm, note, created_ms)
VALUES (:name, :factor_ppm, :note, :now_ms)
ON CONFLICT (name) DO UPDATE
   SET factor_ppm = excluded.factor_ppm, note = excluded.note;

-- :grp_list
SELECT name, factor_ppm, note, created_ms,
       (SELECT count(*) FROM user u WHERE u.grp = g.name)
  FROM grp g
 ORDER BY name;

-- :grp_remove
DELETE FROM grp WHERE name = :name;
