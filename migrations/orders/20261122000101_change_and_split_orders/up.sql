-- Orders that are changed, split and paid in several ways.

ALTER TABLE orders
    DROP CONSTRAINT orders_payment_method_check,
    ADD CONSTRAINT orders_payment_method_check CHECK (payment_method IN ('cash_on_delivery', 'bank_transfer', 'card'));

-- What was agreed beyond the usual; most orders have no row.
CREATE TABLE order_terms (
    order_id             uuid PRIMARY KEY,
    pay_by_time          timestamptz,
    -- When the job that cancels overdue orders looks at it next; null: no more.
    pay_by_look_time     timestamptz,
    ship_by_time         timestamptz,
    -- The same until the goods have left or the order is over; null then.
    ship_by_due_time     timestamptz,
    -- Delivery was sold at its price already: no tariff replaces it.
    delivery_price_fixed boolean NOT NULL DEFAULT false
);
CREATE INDEX order_terms_pay_by ON order_terms (pay_by_look_time) WHERE pay_by_look_time IS NOT NULL;
CREATE INDEX order_terms_ship_by ON order_terms (ship_by_due_time, order_id) WHERE ship_by_due_time IS NOT NULL;

-- How an order came on since it was placed; no row before anything was changed, split or paid in several ways.
CREATE TABLE order_progress (
    order_id             uuid PRIMARY KEY,
    -- What was opened for the order, and what each took: an array.
    payments             jsonb NOT NULL DEFAULT '[]',
    -- Credited for goods that came back.
    returned_total       bigint NOT NULL DEFAULT 0 CHECK (returned_total >= 0),
    -- Ordinals given to edits and parts; the ids of what they hold follow from them.
    ordinals             integer NOT NULL DEFAULT 0,
    -- Positions given to lines: that of a removed line is not given again.
    lines_made           integer NOT NULL DEFAULT 0,
    -- That of what the order asks inventory to hold.
    reservation_revision integer NOT NULL DEFAULT 0,
    -- Of the reservation as it is known here; what has a lower one is older.
    reservation_version  bigint NOT NULL DEFAULT 0,
    -- The edit under way, if any.
    editing              uuid
) WITH (fillfactor = 80);

ALTER TABLE order_lines
    -- What one kit is made of; null for anything else.
    ADD COLUMN components   jsonb,
    ADD COLUMN weight_grams integer NOT NULL DEFAULT 0 CHECK (weight_grams >= 0),
    -- A parcel that comes back undelivered is returned, too.
    DROP CONSTRAINT order_lines_check1,
    ADD CONSTRAINT order_lines_came_back
        CHECK (0 <= returned AND 0 <= delivered AND delivered <= shipped AND returned <= shipped);

-- What an edit is to do, until it is done: lines are priced, and nothing of the buyer is in the saga.
CREATE TABLE order_edits (
    saga_id  uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    ordinal  integer NOT NULL,
    contents jsonb NOT NULL,
    -- Contact, address and comment; removed when the edit ends.
    personal jsonb
);

-- Parts of orders.
CREATE TABLE order_fulfilments (
    fulfilment_id    uuid PRIMARY KEY,
    order_id         uuid NOT NULL,
    ordinal          integer NOT NULL,
    state            text NOT NULL CHECK (state IN ('planning', 'open', 'booking', 'booked', 'booking_failed', 'shipped',
                                                    'delivered', 'cancelled')),
    -- Units of the order's lines: position, quantity, shipped, total.
    lines            jsonb NOT NULL,
    delivery_method_id   uuid,
    delivery_method_name text NOT NULL DEFAULT '',
    -- Where to; personal.
    address          jsonb,
    delivery_plan_id uuid,
    shipment_id      uuid,
    carrier          text NOT NULL DEFAULT '',
    tracking_number  text NOT NULL DEFAULT '',
    incident         text NOT NULL DEFAULT '',
    delivery_total   bigint NOT NULL DEFAULT 0 CHECK (delivery_total >= 0),
    cash_on_delivery bigint NOT NULL DEFAULT 0 CHECK (cash_on_delivery >= 0),
    -- The saga that takes it back, if any.
    cancelling       uuid,
    create_time      timestamptz NOT NULL,
    update_time      timestamptz NOT NULL,
    UNIQUE (order_id, ordinal)
) WITH (fillfactor = 80);
