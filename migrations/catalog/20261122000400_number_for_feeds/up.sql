-- Feeds know categories and groups of offers by numbers. A number is given once and never changes; there are gaps.

ALTER TABLE categories ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY UNIQUE;
ALTER TABLE products ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
