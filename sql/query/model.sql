-- model.sql - what holds for a model, and what serves where it cannot.

-- :model_setting_set
INSERT INTO model_setting (model, sticky, deadline_ms, max_attempts)
VALUES (:model, :sticky, :deadline_ms, :max_attempts)
    ON CONFLICT (model) DO UPDATE
   SET sticky = excluded.sticky, deadline_ms = excluded.deadline_ms,
       max_attempts = excluded.max_attempts;

-- :model_setting_get
SELECT model, sticky, deadline_ms, max_attempts
  FROM model_setting
 WHERE model = :model;

-- :model_setting_list
SELECT model, sticky, deadline_ms, max_attempts
  FROM model_setting
 ORDER BY model;

-- :model_setting_drop
DELETE FROM model_setting WHERE model = :model;

-- :fallback_add
INSERT INTO fallback (grp, model, place, to_model)
VALUES (:grp, :model, :place, :to_model);

-- :fallback_drop
DELETE FROM fallback WHERE grp = :grp AND model = :model;

-- :fallback_list
SELECT grp, model, place, to_model
  FROM fallback
 ORDER BY model, grp, place;
