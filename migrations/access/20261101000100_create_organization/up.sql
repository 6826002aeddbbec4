-- The organisation of this installation, its legal entities, its shops and the accounts their orders come through.

-- One row, there from the first start.
CREATE TABLE organization (
    one                  boolean PRIMARY KEY DEFAULT true CHECK (one),
    organization_id      uuid NOT NULL DEFAULT gen_random_uuid(),
    name                 text NOT NULL,
    base_currency        text NOT NULL CHECK (base_currency ~ '^[A-Z]{3}$'),
    version              bigint NOT NULL DEFAULT 1 CHECK (version > 0)
);
INSERT INTO organization (name, base_currency) VALUES ('Organization', 'UAH');

CREATE TABLE legal_entities (
    legal_entity_id uuid PRIMARY KEY,
    name            text NOT NULL CHECK (name <> ''),
    tax_id          text NOT NULL,
    bank_details    text NOT NULL,
    version         bigint NOT NULL CHECK (version > 0),
    create_time     timestamptz NOT NULL
);
CREATE INDEX legal_entities_name ON legal_entities (name, legal_entity_id);

CREATE TABLE shops (
    shop_id         uuid PRIMARY KEY,
    legal_entity_id uuid NOT NULL REFERENCES legal_entities,
    name            text NOT NULL CHECK (name <> ''),
    time_zone       text NOT NULL CHECK (time_zone <> ''),
    locale          text NOT NULL CHECK (locale <> ''),
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    shortage_policy text NOT NULL CHECK (shortage_policy IN ('refuse', 'accept')),
    number_prefix   text NOT NULL,
    warehouse_ids   uuid[] NOT NULL,
    country         text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    version         bigint NOT NULL CHECK (version > 0),
    create_time     timestamptz NOT NULL
);
CREATE INDEX shops_legal_entity ON shops (legal_entity_id);

CREATE TABLE channel_accounts (
    source_id     uuid PRIMARY KEY,
    shop_id       uuid NOT NULL REFERENCES shops,
    channel       text NOT NULL
                  CHECK (channel IN ('site', 'marketplace', 'messenger', 'phone', 'social', 'offline')),
    name          text NOT NULL CHECK (name <> ''),
    always_accept boolean NOT NULL,
    version       bigint NOT NULL CHECK (version > 0),
    create_time   timestamptz NOT NULL,
    -- A marketplace has sold already.
    CHECK (always_accept OR channel <> 'marketplace')
);
CREATE INDEX channel_accounts_shop ON channel_accounts (shop_id, source_id);
