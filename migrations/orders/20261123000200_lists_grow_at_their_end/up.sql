-- What is new comes last in these, where adding costs least: no way down the tree, and pages that are filled before the next is
-- begun. Lists are read newest first all the same: backwards.
DROP INDEX orders_time, orders_shop, orders_source, orders_customer, orders_open;
CREATE INDEX orders_time ON orders (create_time, order_id);
CREATE INDEX orders_shop ON orders (shop_id, create_time, order_id);
CREATE INDEX orders_source ON orders (source_id, create_time, order_id);
CREATE INDEX orders_customer ON orders (customer_id, create_time, order_id) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_open ON orders (state, create_time, order_id)
    WHERE state IN ('placing', 'new', 'approval', 'assembling', 'delivery');
