-- Goods that come back.

CREATE TABLE returns (
    return_id       uuid PRIMARY KEY,
    shop_id         uuid NOT NULL,
    -- Null: a return without an order.
    order_id        uuid,
    customer_id     uuid,
    state           text NOT NULL CHECK (state IN ('requested', 'approved', 'refused', 'in_transit', 'received', 'resolved',
                                                   'cancelled')),
    currency        text NOT NULL CHECK (length(currency) = 3),
    carrier         text NOT NULL DEFAULT '',
    tracking_number text NOT NULL DEFAULT '',
    warehouse_id    uuid,
    -- What was paid for the goods that were received; without an order, what is to be given back.
    amount          bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
    credited_total  bigint NOT NULL DEFAULT 0 CHECK (credited_total >= 0),
    -- What of it was for delivery.
    delivery_credit bigint NOT NULL DEFAULT 0 CHECK (delivery_credit BETWEEN 0 AND credited_total),
    -- What was given back: payment, amount.
    refunds         jsonb NOT NULL DEFAULT '[]',
    -- Times that somebody tried to receive or resolve it; the keys of what they ask follow from it.
    attempts        integer NOT NULL DEFAULT 0,
    -- The saga under way, if any.
    working         uuid,
    -- What was found, until it is posted.
    pending         jsonb,
    version         bigint NOT NULL DEFAULT 0,
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL,
    -- What people wrote.
    comment         text NOT NULL DEFAULT '',
    explanation     text NOT NULL DEFAULT ''
) WITH (fillfactor = 80);
CREATE INDEX returns_time ON returns (create_time DESC, return_id DESC);
CREATE INDEX returns_shop ON returns (shop_id, create_time DESC, return_id DESC);
CREATE INDEX returns_order ON returns (order_id, create_time DESC, return_id DESC) WHERE order_id IS NOT NULL;
CREATE INDEX returns_customer ON returns (customer_id, create_time DESC, return_id DESC) WHERE customer_id IS NOT NULL;
CREATE INDEX returns_open ON returns (state, create_time DESC, return_id DESC)
    WHERE state IN ('requested', 'approved', 'in_transit', 'received');

CREATE TABLE return_lines (
    return_id      uuid NOT NULL,
    position       integer NOT NULL,
    -- Of the order; null without one.
    order_position integer,
    sku            text NOT NULL,
    quantity       integer NOT NULL CHECK (quantity > 0),
    reason         text NOT NULL,
    photo_urls     text[] NOT NULL DEFAULT '{}',
    note           text NOT NULL DEFAULT '',
    -- What was found: quantity, disposition, note. Null until the goods are there.
    received       jsonb,
    PRIMARY KEY (return_id, position)
);
