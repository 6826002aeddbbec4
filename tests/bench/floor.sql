-- The floor: an order with two lines as plain SQL, one transaction, one statement after the other, no service around it.
-- Run: psql -f floor_setup.sql, then pgbench -n -M prepared -f floor.sql -c 32 -j 2 -T 30
-- Frozen: figures can only be compared while this file does not change.

\set sku_count 10000
\set one_sku random(1, :sku_count)
\set other_sku (:one_sku - 1 + random(1, :sku_count - 1)) % :sku_count + 1
-- In the order of the SKUs, so that two orders never wait for each other in a circle.
\set first_sku least(:one_sku, :other_sku)
\set second_sku greatest(:one_sku, :other_sku)
\set quantity random(1, 3)
\set price random(10000, 500000)
\set total 2 * :quantity * :price
\set shop random(1, 5)
\set customer random(1, 100000)

BEGIN;
UPDATE bench_stock SET reserved = reserved + :quantity WHERE sku = :first_sku AND on_hand - reserved >= :quantity;
UPDATE bench_stock SET reserved = reserved + :quantity WHERE sku = :second_sku AND on_hand - reserved >= :quantity;
INSERT INTO bench_orders (shop_id, customer_id, state, total_minor, currency_code) VALUES (:shop, :customer, 'new', :total, 'RUB') RETURNING id AS order_id \gset
INSERT INTO bench_order_lines (order_id, line_number, sku, quantity, unit_price_minor) VALUES (:order_id, 1, :first_sku, :quantity, :price);
INSERT INTO bench_order_lines (order_id, line_number, sku, quantity, unit_price_minor) VALUES (:order_id, 2, :second_sku, :quantity, :price);
INSERT INTO bench_payments (order_id, state, amount_minor) VALUES (:order_id, 'pending', :total);
INSERT INTO bench_outbox (order_id, event_type, body) VALUES (:order_id, 'order_placed', jsonb_build_object('orderId', :order_id::bigint, 'shopId', :shop::bigint, 'totalMinor', :total::bigint));
COMMIT;
