-- Cards, the phones and e-mails that lead to them, and the shops that have seen the person.

CREATE TABLE customers (
    customer_id uuid PRIMARY KEY,
    name        text NOT NULL,
    -- The words of the name in lower case, to search by.
    name_words  text[] NOT NULL,
    note        text NOT NULL,
    version     bigint NOT NULL CHECK (version > 0),
    create_time timestamptz NOT NULL
);
CREATE INDEX customers_name_words ON customers USING gin (name_words);

-- An identity leads to one card, whoever writes it first: that is what makes a person have one card.
CREATE TABLE customer_identities (
    kind        text NOT NULL CHECK (kind IN ('phone', 'email')),
    value       text NOT NULL CHECK (CASE kind WHEN 'phone' THEN value ~ '^\+[1-9][0-9]{4,14}$' ELSE value LIKE '%_@_%' END),
    customer_id uuid NOT NULL REFERENCES customers,
    -- The oldest of a kind is the main one; the ordinal tells apart what was added at once.
    added_time  timestamptz NOT NULL,
    ordinal     bigint NOT NULL,
    PRIMARY KEY (kind, value)
);
CREATE INDEX customer_identities_card ON customer_identities (customer_id);

-- The keys of these shops may see the card.
CREATE TABLE customer_shops (
    customer_id uuid NOT NULL REFERENCES customers,
    shop_id     uuid NOT NULL,
    PRIMARY KEY (customer_id, shop_id)
);
CREATE INDEX customer_shops_shop ON customer_shops (shop_id, customer_id);
