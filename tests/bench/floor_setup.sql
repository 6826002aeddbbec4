-- The tables of floor.sql: what an order needs at the least, in one database, with 10,000 SKUs that never sell out.
-- Frozen: figures can only be compared while this file does not change.

DROP TABLE IF EXISTS bench_outbox, bench_payments, bench_order_lines, bench_orders, bench_stock;

CREATE TABLE bench_stock (
    sku       bigint PRIMARY KEY,
    on_hand   bigint NOT NULL CHECK (on_hand >= 0),
    reserved  bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    CHECK (reserved <= on_hand)
) WITH (fillfactor = 70);

CREATE TABLE bench_orders (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id        bigint NOT NULL,
    customer_id    bigint NOT NULL,
    state          text NOT NULL,
    total_minor    bigint NOT NULL CHECK (total_minor >= 0),
    currency_code  text NOT NULL,
    create_time    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bench_orders_by_shop ON bench_orders (shop_id, id);
CREATE INDEX bench_orders_by_customer ON bench_orders (customer_id, id);

CREATE TABLE bench_order_lines (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id          bigint NOT NULL REFERENCES bench_orders (id),
    line_number       integer NOT NULL,
    sku               bigint NOT NULL,
    quantity          integer NOT NULL CHECK (quantity > 0),
    unit_price_minor  bigint NOT NULL CHECK (unit_price_minor >= 0),
    UNIQUE (order_id, line_number)
);

CREATE TABLE bench_payments (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id      bigint NOT NULL REFERENCES bench_orders (id),
    state         text NOT NULL,
    amount_minor  bigint NOT NULL CHECK (amount_minor >= 0),
    create_time   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bench_payments_by_order ON bench_payments (order_id);

CREATE TABLE bench_outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id     bigint NOT NULL,
    event_type   text NOT NULL,
    body         jsonb NOT NULL,
    create_time  timestamptz NOT NULL DEFAULT now()
);

INSERT INTO bench_stock (sku, on_hand)
SELECT sku, 1000000000 FROM generate_series(1, 10000) AS sku;

VACUUM ANALYZE bench_stock;
