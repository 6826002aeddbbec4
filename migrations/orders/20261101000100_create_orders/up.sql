-- Orders, their lines and buyers.
--
-- No foreign keys between them: the parts of an order are written in the statement that writes the order, and a check per
-- row would cost more than the insert.

-- What follows a shop's prefix in an order's number. May have gaps.
CREATE SEQUENCE order_numbers START 1001;

CREATE TABLE orders (
    order_id             uuid PRIMARY KEY,
    number               text NOT NULL UNIQUE,
    shop_id              uuid NOT NULL,
    legal_entity_id      uuid,
    state                text NOT NULL CHECK (state IN ('placing', 'new', 'approval', 'assembling', 'delivery', 'complete',
                                                        'cancelled', 'rejected')),
    status               text NOT NULL CHECK (length(status) BETWEEN 1 AND 40),
    source_id            uuid NOT NULL,
    channel              text NOT NULL,
    method               text NOT NULL,
    customer_id          uuid,
    -- The buyer could not be identified while the order was placed; a job makes up for it.
    customer_wanted      boolean NOT NULL DEFAULT false,
    currency             text NOT NULL CHECK (length(currency) = 3),
    goods_total          bigint NOT NULL DEFAULT 0 CHECK (goods_total >= 0),
    delivery_total       bigint NOT NULL DEFAULT 0 CHECK (delivery_total >= 0),
    total                bigint NOT NULL DEFAULT 0,
    paid                 bigint NOT NULL DEFAULT 0,
    refunded             bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    payment_method       text NOT NULL CHECK (payment_method IN ('cash_on_delivery', 'bank_transfer')),
    delivery_method_id   uuid,
    delivery_method_name text NOT NULL DEFAULT '',
    rejection            jsonb,
    cancel_reason        text NOT NULL DEFAULT '',
    -- Null until inventory has said something about the order's stock.
    shortages            jsonb,
    reservation_id       uuid,
    payment_id           uuid,
    delivery_plan_id     uuid,
    shipment_ids         uuid[] NOT NULL DEFAULT '{}',
    -- The cancellation under way, if any.
    cancelling           uuid,
    -- That of the last event; 0 while nothing was told.
    version              bigint NOT NULL DEFAULT 0,
    create_time          timestamptz NOT NULL,
    update_time          timestamptz NOT NULL,
    CHECK (total = goods_total + delivery_total),
    CHECK (paid >= refunded),
    CHECK ((state = 'rejected') = (rejection IS NOT NULL)),
    CHECK ((state = 'cancelled') = (cancel_reason <> ''))
) WITH (fillfactor = 80);

-- Lists are read newest first: of everything, of a shop, of a source, of a customer, and of what is still to be done.
CREATE INDEX orders_time ON orders (create_time DESC, order_id DESC);
CREATE INDEX orders_shop ON orders (shop_id, create_time DESC, order_id DESC);
CREATE INDEX orders_source ON orders (source_id, create_time DESC, order_id DESC);
CREATE INDEX orders_customer ON orders (customer_id, create_time DESC, order_id DESC) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_open ON orders (state, create_time DESC, order_id DESC)
    WHERE state IN ('placing', 'new', 'approval', 'assembling', 'delivery');
CREATE INDEX orders_customer_wanted ON orders (create_time) WHERE customer_wanted;

CREATE TABLE order_lines (
    order_id       uuid NOT NULL,
    position       integer NOT NULL,
    sku            text NOT NULL,
    -- Null when the catalog does not know the SKU.
    variant_id     uuid,
    name           text NOT NULL,
    kind           text NOT NULL DEFAULT 'goods' CHECK (kind IN ('goods', 'service')),
    ordered        integer NOT NULL CHECK (ordered > 0),
    reserved       integer NOT NULL DEFAULT 0,
    shipped        integer NOT NULL DEFAULT 0,
    delivered      integer NOT NULL DEFAULT 0,
    cancelled      integer NOT NULL DEFAULT 0,
    returned       integer NOT NULL DEFAULT 0,
    -- Null until priced, unless the caller fixed it.
    unit_price     bigint CHECK (unit_price >= 0),
    price_fixed    boolean NOT NULL DEFAULT false,
    -- The unit price is that of so many units.
    price_quantity integer NOT NULL DEFAULT 1 CHECK (price_quantity > 0),
    total          bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
    tax_category   text NOT NULL DEFAULT '',
    PRIMARY KEY (order_id, position),
    CHECK (0 <= reserved AND 0 <= shipped AND 0 <= cancelled AND reserved + shipped + cancelled <= ordered),
    CHECK (0 <= returned AND returned <= delivered AND delivered <= shipped)
) WITH (fillfactor = 80);

-- Everything personal that the buyer gave, apart, so that it can be erased.
CREATE TABLE order_buyers (
    order_id       uuid PRIMARY KEY,
    name           text NOT NULL,
    phone          text NOT NULL,
    email          text NOT NULL,
    address        jsonb,
    comment        text NOT NULL,
    cancel_comment text NOT NULL DEFAULT '',
    -- The name's words in lower case, one space between two.
    name_words     text NOT NULL,
    -- The phone's last ten digits, backwards: to look for the end of a number is to look for the beginning of the key.
    phone_key      text COLLATE "C" NOT NULL
);
-- Declared dear, so that a search never computes it for every row instead of asking the index.
CREATE FUNCTION lexemes(words text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
BEGIN
    RETURN array_to_tsvector(string_to_array(words, ' '));
END
$$;
CREATE INDEX order_buyers_name ON order_buyers USING gin (lexemes(name_words));
CREATE INDEX order_buyers_phone ON order_buyers (phone_key) WHERE phone_key <> '';

-- Ids in other systems.
CREATE TABLE order_external_ids (
    external_id text NOT NULL,
    source_id   uuid NOT NULL,
    order_id    uuid NOT NULL,
    -- Of the content that came under the id first.
    fingerprint bytea NOT NULL,
    PRIMARY KEY (external_id, source_id)
);
CREATE INDEX order_external_ids_order ON order_external_ids (order_id);
