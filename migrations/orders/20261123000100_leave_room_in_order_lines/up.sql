-- Every line is written again at least once, when its order is placed, and whole pages at a time. Where a page has room for
-- that, no index learns of it.
ALTER TABLE order_lines SET (fillfactor = 50);
