-- Slots of the shop's own courier and counter, what proves that a parcel was handed over, and carriers' prices that buyers were told.

ALTER TABLE delivery_methods
    -- Weekly windows; null when nobody chooses a time.
    ADD COLUMN schedule      jsonb,
    ADD COLUMN asks_for_code boolean NOT NULL DEFAULT false,
    -- The largest piece; null for no limit.
    ADD COLUMN size_max      jsonb,
    ADD CONSTRAINT only_the_shops_own_have_slots CHECK (kind <> 'parcel' OR (schedule IS NULL AND NOT asks_for_code));

-- How much of a slot is taken, by deliveries and returns together; a slot that nobody ever took has no row. Its room is that of
-- the method's window. No foreign key: methods are archived, never deleted.
CREATE TABLE delivery_slots (
    delivery_method_id uuid NOT NULL,
    start_time         timestamptz NOT NULL,
    taken              integer NOT NULL DEFAULT 0 CHECK (taken >= 0),
    PRIMARY KEY (delivery_method_id, start_time)
);

-- The slots of plans: a table of its own, since most plans have none.
CREATE TABLE plan_slots (
    delivery_plan_id   uuid PRIMARY KEY REFERENCES delivery_plans,
    delivery_method_id uuid NOT NULL,
    -- What was asked for when it was planned: a repeat is compared with it.
    wished_time        timestamptz,
    -- What it has now; null when it was given back.
    start_time         timestamptz,
    end_time           timestamptz,
    CHECK ((start_time IS NULL) = (end_time IS NULL))
);

-- Returns that are fetched from buyers.
CREATE TABLE return_pickups (
    return_id          uuid PRIMARY KEY,
    shop_id            uuid NOT NULL,
    delivery_method_id uuid NOT NULL,
    start_time         timestamptz NOT NULL,
    end_time           timestamptz NOT NULL,
    -- Personal.
    address            jsonb NOT NULL,
    contact_name       text NOT NULL,
    contact_phone      text NOT NULL,
    cancelled          boolean NOT NULL DEFAULT false,
    create_time        timestamptz NOT NULL
);
CREATE INDEX return_pickups_earliest ON return_pickups (start_time, return_id);
CREATE INDEX return_pickups_shop ON return_pickups (shop_id, start_time, return_id);

-- How a parcel of the shop's own courier or counter is handed over: against a code, and what proves that it was.
CREATE TABLE handovers (
    shipment_id       uuid PRIMARY KEY REFERENCES shipments,
    -- Sealed; null when no code is asked for.
    code_sealed       bytea,
    wrong_codes       integer NOT NULL DEFAULT 0 CHECK (wrong_codes >= 0),
    locked_until_time timestamptz,
    -- Sealed: who took it, what was said, a picture. Null before, and when it was forgotten.
    proof_sealed      bytea,
    proof_time        timestamptz
);
CREATE INDEX handovers_proofs ON handovers (proof_time) WHERE proof_sealed IS NOT NULL;

-- What carriers outside said that a cart costs, until it is asked again: every process must find what a buyer was told.
CREATE TABLE carrier_prices (
    carrier_account_id uuid NOT NULL REFERENCES carrier_accounts,
    -- A digest of everything the price depends on.
    question           bytea NOT NULL,
    prices             jsonb NOT NULL,
    expire_time        timestamptz NOT NULL,
    PRIMARY KEY (carrier_account_id, question)
);
CREATE INDEX carrier_prices_expired ON carrier_prices (expire_time);
