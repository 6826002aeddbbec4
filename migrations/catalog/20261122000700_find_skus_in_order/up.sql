-- What begins with a text is read in the order of SKUs, so that a page of a common beginning is a few rows. Only SKUs that
-- are not written in capitals stand elsewhere than where they are looked for.

CREATE INDEX variants_sku_mixed ON variants (upper(sku) text_pattern_ops) WHERE listed AND sku <> upper(sku);
DROP INDEX variants_sku_typed;
