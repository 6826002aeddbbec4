-- Carts: what buyers have put together on a shop's site and not ordered yet.

CREATE TABLE carts (
    -- Follows from the shop and the shop's own id of the cart.
    cart_key      uuid PRIMARY KEY,
    shop_id       uuid NOT NULL,
    cart_id       text NOT NULL,
    source_id     uuid,
    state         text NOT NULL CHECK (state IN ('open', 'abandoned', 'ordered', 'cleared')),
    -- [{sku, quantity}]
    lines         jsonb NOT NULL,
    -- Personal; gone with ClearCart, and with the cart.
    contact_name  text NOT NULL,
    contact_phone text NOT NULL,
    contact_email text NOT NULL,
    order_id      uuid,
    -- Counts changes of the content: the etag.
    version       bigint NOT NULL,
    -- That of the last event; 0 while nothing was told.
    event_version bigint NOT NULL DEFAULT 0,
    create_time   timestamptz NOT NULL,
    -- When somebody touched it last.
    update_time   timestamptz NOT NULL,
    CHECK ((state = 'ordered') = (order_id IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX carts_time ON carts (update_time DESC, cart_key DESC);
CREATE INDEX carts_shop ON carts (shop_id, update_time DESC, cart_key DESC);
-- What the job looks for: left alone longest first.
CREATE INDEX carts_open ON carts (update_time) WHERE state = 'open';
