-- What the events of orders say about who bought for how much.

-- The newest state known of each order; an older event never overwrites it. Without references: an event is never
-- refused because of what it names.
CREATE TABLE purchases (
    order_id    uuid PRIMARY KEY,
    version     bigint NOT NULL,
    customer_id uuid,
    shop_id     uuid NOT NULL,
    currency    text NOT NULL,
    total       bigint NOT NULL,
    counted     boolean NOT NULL,
    order_time  timestamptz NOT NULL
);
CREATE INDEX purchases_customer ON purchases (customer_id, order_time) WHERE counted;

-- Sums of the counted purchases; by shop, because a shop's key is told of its own shop only.
CREATE TABLE purchase_totals (
    customer_id uuid NOT NULL,
    shop_id     uuid NOT NULL,
    currency    text NOT NULL,
    order_count bigint NOT NULL CHECK (order_count >= 0),
    total       bigint NOT NULL CHECK (order_count > 0 OR total = 0),
    PRIMARY KEY (customer_id, shop_id, currency)
);
