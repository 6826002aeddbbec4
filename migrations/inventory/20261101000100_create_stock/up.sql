-- Warehouses, stock levels, the ledger behind them, and reservations.
--
-- SKUs are compared byte by byte, as the code compares them: hence COLLATE "C".

CREATE TABLE warehouses (
    warehouse_id uuid PRIMARY KEY,
    name         text NOT NULL CHECK (name <> ''),
    archived     boolean NOT NULL DEFAULT false,
    create_time  timestamptz NOT NULL
);
CREATE INDEX warehouses_age ON warehouses (create_time, warehouse_id);

-- The running sums of the ledger. Rows are locked in the order of their key, before any reservation.
CREATE TABLE stock_levels (
    sku          text COLLATE "C" NOT NULL,
    warehouse_id uuid NOT NULL REFERENCES warehouses,
    condition    text NOT NULL CHECK (condition IN ('sellable', 'quarantine', 'damaged')),
    on_hand      bigint NOT NULL CHECK (on_hand <= 1000000000000000),
    reserved     bigint NOT NULL,
    version      bigint NOT NULL,
    update_time  timestamptz NOT NULL,
    PRIMARY KEY (sku, warehouse_id, condition),
    CONSTRAINT stock_levels_cover_reservations CHECK (0 <= reserved AND reserved <= on_hand),
    CONSTRAINT stock_levels_sell_only_sellable CHECK (reserved = 0 OR condition = 'sellable')
) WITH (fillfactor = 80);

-- Where every unit of every level comes from. No foreign key: every row is written with the update of its level, which is
-- locked, and a check per row would be the most expensive part of a reservation.
CREATE TABLE stock_ledger (
    sequence       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku            text COLLATE "C" NOT NULL,
    warehouse_id   uuid NOT NULL,
    condition      text NOT NULL,
    kind           text NOT NULL
                   CHECK (kind IN ('receipt', 'adjustment', 'reserve', 'release', 'shipment', 'shortage')),
    on_hand_delta  bigint NOT NULL,
    reserved_delta bigint NOT NULL,
    reference      text NOT NULL,
    note           text NOT NULL,
    actor          text NOT NULL,
    shop_id        uuid,
    post_time      timestamptz NOT NULL,
    CONSTRAINT stock_ledger_changes_something CHECK (on_hand_delta <> 0 OR reserved_delta <> 0)
) WITH (fillfactor = 100);
CREATE INDEX stock_ledger_sku ON stock_ledger (sku, sequence);

CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the stock ledger only grows: post a counter-entry';
END
$$;
CREATE TRIGGER stock_ledger_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

-- A row without owner is a tombstone: the id was released before it was reserved, and a late reserve is refused.
CREATE TABLE reservations (
    reservation_id uuid PRIMARY KEY,
    owner          text COLLATE "C",
    shop_id        uuid,
    state          text NOT NULL CHECK (state IN ('held', 'shipped', 'released', 'expired')),
    expire_time    timestamptz,
    create_time    timestamptz NOT NULL,
    version        bigint NOT NULL,
    CONSTRAINT reservations_without_owner_are_tombstones
        CHECK (CASE WHEN owner IS NULL THEN shop_id IS NULL AND state = 'released' ELSE shop_id IS NOT NULL END),
    CONSTRAINT reservations_expire_only_as_holds CHECK (state <> 'expired' OR expire_time IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX reservations_age ON reservations (create_time, reservation_id);
CREATE INDEX reservations_owner ON reservations (owner);
CREATE INDEX reservations_due ON reservations (expire_time) WHERE state = 'held' AND expire_time IS NOT NULL;

-- What is, or at the end was, held. Reservations hold sellable units only.
CREATE TABLE reservation_lines (
    reservation_id uuid NOT NULL REFERENCES reservations,
    sku            text COLLATE "C" NOT NULL,
    warehouse_id   uuid NOT NULL,
    quantity       bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (reservation_id, sku, warehouse_id)
);
CREATE INDEX reservation_lines_level ON reservation_lines (sku, warehouse_id);

-- What was wanted but is not held, per SKU of a reservation.
CREATE TABLE reservation_shortages (
    reservation_id uuid NOT NULL REFERENCES reservations,
    sku            text COLLATE "C" NOT NULL,
    wanted         bigint NOT NULL,
    available      bigint NOT NULL,
    PRIMARY KEY (reservation_id, sku),
    CONSTRAINT reservation_shortages_lack_units CHECK (0 <= available AND available < wanted)
);
