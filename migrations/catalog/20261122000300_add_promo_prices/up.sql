-- Promo prices, rounding, lists derived from others, and the prices there were.

ALTER TABLE price_lists
    ADD COLUMN rounding_step_minor bigint CHECK (rounding_step_minor > 0),
    ADD COLUMN rounding_ending_minor bigint NOT NULL DEFAULT 0 CHECK (rounding_ending_minor >= 0),
    ADD COLUMN base_price_list_id uuid REFERENCES price_lists CHECK (base_price_list_id <> price_list_id),
    ADD COLUMN percent_hundredths integer CHECK (percent_hundredths BETWEEN 1 AND 100000),
    ADD CONSTRAINT price_lists_ending CHECK (rounding_ending_minor < coalesce(rounding_step_minor, 1)),
    ADD CONSTRAINT price_lists_derived CHECK ((base_price_list_id IS NULL) = (percent_hundredths IS NULL));
CREATE INDEX price_lists_base ON price_lists (base_price_list_id) WHERE base_price_list_id IS NOT NULL;

ALTER TABLE prices
    ADD COLUMN promo_amount_minor bigint CHECK (promo_amount_minor >= 0),
    ADD COLUMN promo_from_time timestamptz,
    ADD COLUMN promo_until_time timestamptz,
    ADD CONSTRAINT prices_promo CHECK (num_nonnulls(promo_amount_minor, promo_from_time, promo_until_time) IN (0, 3)),
    ADD CONSTRAINT prices_promo_window CHECK (promo_from_time < promo_until_time);

-- What a SKU costs in each list: the list's own price, and where lists derive from the price's list, theirs. Every
-- statement that asks for a price asks here, so there is one answer.
CREATE VIEW price_terms AS
    SELECT p.sku, l.price_list_id, l.name, l.currency, l.channels, l.valid_from_time, l.valid_until_time, l.priority,
           p.amount_minor, p.old_amount_minor, p.promo_amount_minor, p.promo_from_time, p.promo_until_time,
           NULL::uuid AS base_price_list_id, NULL::integer AS percent_hundredths,
           NULL::bigint AS rounding_step_minor, 0::bigint AS rounding_ending_minor
    FROM prices p JOIN price_lists l ON l.price_list_id = p.price_list_id
    UNION ALL
    SELECT p.sku, l.price_list_id, l.name, l.currency, l.channels, l.valid_from_time, l.valid_until_time, l.priority,
           p.amount_minor, p.old_amount_minor, p.promo_amount_minor, p.promo_from_time, p.promo_until_time,
           l.base_price_list_id, l.percent_hundredths, l.rounding_step_minor, l.rounding_ending_minor
    FROM prices p JOIN price_lists l ON l.base_price_list_id = p.price_list_id;

CREATE TABLE price_changes (
    sku                text COLLATE "C" NOT NULL,
    price_list_id      uuid NOT NULL,
    version            bigint NOT NULL,
    amount_minor       bigint NOT NULL,
    old_amount_minor   bigint,
    promo_amount_minor bigint,
    promo_from_time    timestamptz,
    promo_until_time   timestamptz,
    change_time        timestamptz NOT NULL,
    actor              text NOT NULL,
    action             text NOT NULL,
    PRIMARY KEY (sku, price_list_id, version),
    FOREIGN KEY (sku, price_list_id) REFERENCES prices
);
CREATE INDEX price_changes_newest ON price_changes (sku, change_time, price_list_id, version);

-- Where a price comes from that was set before its history was kept, the list's own history says.
INSERT INTO price_changes (sku, price_list_id, version, amount_minor, old_amount_minor, change_time, actor, action)
    SELECT sku, price_list_id, version, amount_minor, old_amount_minor, update_time, 'service:catalog', 'catalog.migrate'
    FROM prices;
