-- 003-price: prices in lines.

-- A line of a price: for how many of what is in store/lines.def.  The line
-- with the largest from_tok that the whole prompt reaches counts.
CREATE TABLE price_line (
	price_id INTEGER NOT NULL REFERENCES price (id),
	line     TEXT NOT NULL,              -- a name of store/lines.def: input, output, ...
	variant  TEXT NOT NULL DEFAULT '',   -- of a picture: size/quality; '': any
	from_tok INTEGER NOT NULL DEFAULT 0 CHECK (from_tok >= 0), -- context tier
	nusd     INTEGER NOT NULL CHECK (nusd >= 0),
	PRIMARY KEY (price_id, line, variant, from_tok)
) STRICT, WITHOUT ROWID;
INSERT INTO price_line (price_id, line, nusd)
	SELECT id, 'input', input_nusd FROM price WHERE NOT free
	UNION ALL
	SELECT id, 'cache_read', cached_nusd FROM price WHERE NOT free
	UNION ALL
	SELECT id, 'output', output_nusd FROM price WHERE NOT free;
ALTER TABLE price DROP COLUMN input_nusd;
ALTER TABLE price DROP COLUMN cached_nusd;
ALTER TABLE price DROP COLUMN output_nusd;
-- 0: what users pay; else what this channel costs us for its own model name.
ALTER TABLE price ADD COLUMN channel_id INTEGER NOT NULL DEFAULT 0;
-- What to hold for an answer without a limit; 0: the setting of that name.
ALTER TABLE price ADD COLUMN reserve_output_tok INTEGER NOT NULL DEFAULT 0
	CHECK (reserve_output_tok >= 0);
-- Millionths of the price in the provider's service tiers; 0: not offered.
ALTER TABLE price ADD COLUMN batch_ppm INTEGER NOT NULL DEFAULT 0 CHECK (batch_ppm >= 0);
ALTER TABLE price ADD COLUMN flex_ppm INTEGER NOT NULL DEFAULT 0 CHECK (flex_ppm >= 0);
ALTER TABLE price ADD COLUMN priority_ppm INTEGER NOT NULL DEFAULT 0 CHECK (priority_ppm >= 0);
ALTER TABLE price ADD COLUMN actor TEXT NOT NULL DEFAULT ''; -- who set it
DROP INDEX price_model;
CREATE INDEX price_model ON price (channel_id, model, from_ms);
CREATE TRIGGER price_line_stays BEFORE UPDATE ON price_line
BEGIN SELECT RAISE(ABORT, 'a price is never changed: add a newer one'); END;
CREATE TRIGGER price_line_stays_there BEFORE DELETE ON price_line
BEGIN SELECT RAISE(ABORT, 'a price is never deleted: add a newer one'); END;

-- A row of the book as the program reads it, in the order of struct price.
CREATE VIEW price_view AS
SELECT id, channel_id, model, from_ms, free, context_tok, max_output_tok,
       reserve_output_tok, batch_ppm, flex_ppm, priority_ppm, note, actor
  FROM price;
