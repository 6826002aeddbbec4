-- What orders are placed with beside their lines: discounts, promo codes, quotes. Most orders have none of it.

-- [{reason, code, minor}]; null for none. Price × quantity + Σ minor = total.
ALTER TABLE order_lines ADD COLUMN adjustments jsonb;

-- Written with the order's settlement, for orders that have anything of it.
CREATE TABLE order_offers (
    order_id      uuid PRIMARY KEY,
    quote_id      uuid,
    promo_code_id uuid,
    promo_code    text NOT NULL,
    cart_id       text NOT NULL
);

CREATE TABLE promo_codes (
    promo_code_id         uuid PRIMARY KEY,
    code                  text NOT NULL,
    -- The code in upper case: what buyers type is compared with it.
    code_key              text COLLATE "C" NOT NULL,
    title                 text NOT NULL,
    percent_hundredths    integer CHECK (percent_hundredths BETWEEN 1 AND 10000),
    amount                bigint CHECK (amount > 0),
    amount_currency       text,
    goods_total_min       bigint CHECK (goods_total_min >= 0),
    minimum_currency      text,
    start_time            timestamptz,
    end_time              timestamptz,
    uses_max              integer CHECK (uses_max > 0),
    uses_per_customer_max integer CHECK (uses_per_customer_max > 0),
    shop_ids              uuid[] NOT NULL DEFAULT '{}',
    archived              boolean NOT NULL DEFAULT false,
    use_count             integer NOT NULL DEFAULT 0 CHECK (use_count >= 0),
    version               bigint NOT NULL DEFAULT 1,
    create_time           timestamptz NOT NULL,
    update_time           timestamptz NOT NULL,
    CHECK ((percent_hundredths IS NULL) <> (amount IS NULL)),
    CHECK ((amount IS NULL) = (amount_currency IS NULL)),
    CHECK ((goods_total_min IS NULL) = (minimum_currency IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX promo_codes_key ON promo_codes (code_key) WHERE NOT archived;
CREATE INDEX promo_codes_time ON promo_codes (create_time DESC, promo_code_id DESC);

-- Who has which code: an order, or the order that an open quote may become. Σ taken = use_count.
CREATE TABLE promo_uses (
    order_id      uuid PRIMARY KEY,
    -- Null for an order that gave back before it took: a late taking finds the row and is refused.
    promo_code_id uuid,
    state         text NOT NULL CHECK (state IN ('taken', 'given_back')),
    customer_id   uuid,
    -- Digests, salted with the code's id: enough to recognise the same buyer, not to find him.
    phone_digest  bytea,
    email_digest  bytea,
    create_time   timestamptz NOT NULL,
    CHECK (state = 'given_back' OR promo_code_id IS NOT NULL)
);
CREATE INDEX promo_uses_customer ON promo_uses (promo_code_id, customer_id) WHERE customer_id IS NOT NULL AND state = 'taken';
CREATE INDEX promo_uses_phone ON promo_uses (promo_code_id, phone_digest) WHERE phone_digest IS NOT NULL AND state = 'taken';
CREATE INDEX promo_uses_email ON promo_uses (promo_code_id, email_digest) WHERE email_digest IS NOT NULL AND state = 'taken';

-- Prices that hold for a while. Nothing personal: of the address only a digest.
CREATE TABLE quotes (
    quote_id           uuid PRIMARY KEY,
    -- The order that it becomes: chosen with the quote, so that what is held is held for that order from the start.
    order_id           uuid NOT NULL UNIQUE,
    shop_id            uuid NOT NULL,
    source_id          uuid NOT NULL,
    channel            text NOT NULL,
    -- 'reserving' until the stock is held, 'releasing' while it is given back.
    state              text NOT NULL CHECK (state IN ('reserving', 'open', 'placed', 'releasing', 'expired')),
    currency           text NOT NULL CHECK (length(currency) = 3),
    payment_method     text NOT NULL,
    lines              jsonb NOT NULL,
    goods_total        bigint NOT NULL CHECK (goods_total >= 0),
    weight_grams       integer NOT NULL,
    choices            jsonb NOT NULL,
    delivery_method_id uuid,
    -- Of where it goes; null when nothing is delivered.
    destination        bytea,
    -- Of what was asked for beside the lines: prices, discounts, the promo code.
    extras             bytea NOT NULL,
    promo_code_id      uuid,
    promo_code         text NOT NULL,
    holds_stock        boolean NOT NULL,
    -- What the key of the call is, so that a call that was left half-way frees it.
    idempotency_key    text NOT NULL,
    expire_time        timestamptz NOT NULL,
    create_time        timestamptz NOT NULL
) WITH (fillfactor = 80);
-- What the job looks for, soonest first.
CREATE INDEX quotes_due ON quotes (expire_time) WHERE state IN ('reserving', 'open', 'releasing');
CREATE INDEX quotes_time ON quotes (create_time);
