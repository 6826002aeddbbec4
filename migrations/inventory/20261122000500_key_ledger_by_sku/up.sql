-- The ledger is read by SKU or by document. The sequence is unique by itself: an index of it alone was only written.
ALTER TABLE stock_ledger DROP CONSTRAINT stock_ledger_pkey;
DROP INDEX stock_ledger_sku;
ALTER TABLE stock_ledger ADD PRIMARY KEY (sku, sequence);
