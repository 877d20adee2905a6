-- price.sql - the price book.  Of rows that begin at the same moment the
-- newer counts.

-- :price_set
INSERT INTO price (channel_id, model, from_ms, free, context_tok,
                   max_output_tok, reserve_output_tok, batch_ppm, flex_ppm,
                   priority_ppm, note, actor)
VALUES (:channel_id, :model, :from_ms, :free, :context_tok, :max_output_tok,
        :reserve_output_tok, :batch_ppm, :flex_ppm, :priority_ppm, :note,
        :actor);

-- :price_line_set
INSERT INTO price_line (price_id, line, variant, from_tok, nusd)
VALUES (:price_id, :line, :variant, :from_tok, :nusd);

-- :price_lines
SELECT line, variant, from_tok, nusd
  FROM price_line
 WHERE price_id = :price_id;

-- :price_get
SELECT * FROM price_view WHERE id = :id;

-- :price_at
SELECT *
  FROM price_view
 WHERE channel_id = 0 AND model = :model AND from_ms <= :at_ms
 ORDER BY from_ms DESC, id DESC
 LIMIT 1;

-- :price_list
SELECT *
  FROM price_view p
 WHERE id = (SELECT q.id FROM price q
              WHERE q.channel_id = p.channel_id AND q.model = p.model
                AND q.from_ms <= :at_ms
              ORDER BY q.from_ms DESC, q.id DESC LIMIT 1)
 ORDER BY channel_id, model;

-- :price_all
SELECT *
  FROM price_view p
 WHERE from_ms > :at_ms
    OR id = (SELECT q.id FROM price q
              WHERE q.channel_id = p.channel_id AND q.model = p.model
                AND q.from_ms <= :at_ms
              ORDER BY q.from_ms DESC, q.id DESC LIMIT 1)
 ORDER BY channel_id, model, from_ms, id;

-- :price_history
SELECT *
  FROM price_view
 WHERE model = :model
 ORDER BY from_ms DESC, id DESC;
