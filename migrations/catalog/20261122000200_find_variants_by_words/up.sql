-- Variants are found by the words of their own name and of their product's: one table to look at, one order to walk.
--
-- The code cuts, folds and stems the words, so the index needs neither an extension nor a locale. `listed` and
-- `recommended` repeat what the product says: a search for a common word would otherwise visit every product it hits.

ALTER TABLE variants
    ADD COLUMN search_words text[] NOT NULL DEFAULT '{}',
    ADD COLUMN listed boolean NOT NULL DEFAULT true,
    ADD COLUMN recommended boolean NOT NULL DEFAULT false;

-- Until a product is written again, its variants are found by the words of all of them.
UPDATE variants SET
    search_words = ARRAY(SELECT DISTINCT translate(word, 'ёєэїіыґъ', 'еееиииг') FROM unnest(p.search_words) AS w (word)
                         WHERE translate(word, 'ъ', '') <> ''),
    listed = NOT variants.archived AND NOT p.archived
FROM products p WHERE p.product_id = variants.product_id;

CREATE INDEX variants_search ON variants USING gin (array_to_tsvector(search_words)) WITH (fastupdate = off);
CREATE INDEX variants_listed ON variants (recommended, sku) WHERE listed;
CREATE INDEX variants_listed_sku ON variants (sku) WHERE listed;
-- SKUs are typed in any case.
CREATE INDEX variants_sku_typed ON variants (upper(sku) text_pattern_ops) WHERE listed;

-- Read no more; the column goes with a later release, when no older one runs beside it.
DROP INDEX products_words;
ALTER TABLE products ALTER COLUMN search_words SET DEFAULT '{}';
