-- Price lists and the prices in them.

CREATE TABLE price_lists (
    price_list_id    uuid PRIMARY KEY,
    name             text NOT NULL CHECK (name <> ''),
    currency         text NOT NULL,
    valid_from_time  timestamptz,
    valid_until_time timestamptz,
    channels         text[] NOT NULL,
    priority         integer NOT NULL,
    is_default       boolean NOT NULL,
    version          bigint NOT NULL,
    create_time      timestamptz NOT NULL,
    update_time      timestamptz NOT NULL,
    CONSTRAINT price_lists_window CHECK (valid_from_time < valid_until_time)
);
-- The list that takes a feed's prices when no other is named; made by the first import of its currency.
CREATE UNIQUE INDEX price_lists_default ON price_lists (currency) WHERE is_default;

-- By SKU first: one look into the index gives the prices of a SKU in all lists.
CREATE TABLE prices (
    sku              text COLLATE "C" NOT NULL REFERENCES variants (sku),
    price_list_id    uuid NOT NULL REFERENCES price_lists,
    amount_minor     bigint NOT NULL CHECK (amount_minor >= 0),
    old_amount_minor bigint CHECK (old_amount_minor >= 0),
    version          bigint NOT NULL,
    update_time      timestamptz NOT NULL,
    PRIMARY KEY (sku, price_list_id) INCLUDE (amount_minor, old_amount_minor)
);
