-- price.sql - the price book.  Of rows that begin at the same moment the
-- newer counts.

-- :price_set
INSERT INTO price (model, from_ms, input_nusd, cached_nusd, output_nusd, free,
                   context_tok, max_output_tok, note)
VALUES (:model, :from_ms, :input_nusd, :cached_nusd, :output_nusd, :free,
        :context_tok, :max_output_tok, :note);

-- :price_get
SELECT id, model, from_ms, input_nusd, cached_nusd, output_nusd, free,
       context_tok, max_output_tok, note
  FROM price
 WHERE id = :id;

-- :price_at
SELECT id, model, from_ms, input_nusd, cached_nusd, output_nusd, free,
       context_tok, max_output_tok, note
  FROM price
 WHERE model = :model AND from_ms <= :at_ms
 ORDER BY from_ms DESC, id DESC
 LIMIT 1;

-- :price_list
SELECT id, model, from_ms, input_nusd, cached_nusd, output_nusd, free,
       context_tok, max_output_tok, note
  FROM price p
 WHERE id = (SELECT q.id FROM price q
              WHERE q.model = p.model AND q.from_ms <= :at_ms
              ORDER BY q.from_ms DESC, q.id DESC LIMIT 1)
 ORDER BY model;

-- :price_all
SELECT id, model, from_ms, input_nusd, cached_nusd, output_nusd, free,
       context_tok, max_output_tok, note
  FROM price p
 WHERE from_ms > :at_ms
    OR id = (SELECT q.id FROM price q
              WHERE q.model = p.model AND q.from_ms <= :at_ms
              ORDER BY q.from_ms DESC, q.id DESC LIMIT 1)
 ORDER BY model, from_ms, id;

-- :price_history
SELECT id, model, from_ms, input_nusd, cached_nusd, output_nusd, free,
       context_tok, max_output_tok, note
  FROM price
 WHERE model = :model
 ORDER BY from_ms DESC, id DESC;
