-- What is new comes last in these, where adding costs least: no way down the tree, and pages that are filled before the next is
-- begun. Lists are read newest first all the same: backwards.
DROP INDEX payments_newest, payments_shop;
CREATE INDEX payments_newest ON payments (create_time, payment_id) WHERE order_id IS NOT NULL;
CREATE INDEX payments_shop ON payments (shop_id, create_time, payment_id);
