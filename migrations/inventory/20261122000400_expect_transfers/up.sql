-- When a transfer should arrive, as far as its sender knew.
ALTER TABLE transfers ADD COLUMN expect_time timestamptz;
