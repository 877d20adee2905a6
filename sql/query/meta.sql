-- meta.sql - what belongs to the installation.

-- :meta_get
SELECT value FROM meta WHERE key = :key;

-- :meta_set
INSERT INTO meta (key, value) VALUES (:key, :value)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- :config_version_now
SELECT version FROM config_version;
