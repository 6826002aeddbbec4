-- Delivery methods with their tariffs, the plans of orders, parcels and their tracking.

-- A method without a shop is offered by every shop of the organisation.
CREATE TABLE delivery_methods (
    delivery_method_id uuid PRIMARY KEY,
    shop_id            uuid,
    kind               text NOT NULL CHECK (kind IN ('courier', 'pickup')),
    name               text NOT NULL,
    tariffs            jsonb NOT NULL,
    cash_on_delivery   boolean NOT NULL,
    archived           boolean NOT NULL DEFAULT false,
    sort_order         integer NOT NULL,
    version            bigint NOT NULL DEFAULT 1,
    create_time        timestamptz NOT NULL
);
CREATE INDEX delivery_methods_order ON delivery_methods (sort_order, delivery_method_id);

-- A row without an order is a tombstone: it was cancelled before it was planned, and a late plan is refused.
CREATE TABLE delivery_plans (
    delivery_plan_id   uuid PRIMARY KEY,
    order_id           uuid,
    shop_id            uuid,
    -- Methods are archived, never deleted; a foreign key would lock the one row that every order needs.
    delivery_method_id uuid,
    method_name        text NOT NULL DEFAULT '',
    kind               text CHECK (kind IN ('courier', 'pickup')),
    currency           text NOT NULL DEFAULT '',
    price              bigint NOT NULL DEFAULT 0 CHECK (price >= 0),
    price_fixed        boolean NOT NULL DEFAULT false,
    goods_total        bigint NOT NULL DEFAULT 0 CHECK (goods_total >= 0),
    -- Personal.
    address            jsonb,
    recipient_name     text NOT NULL DEFAULT '',
    recipient_phone    text NOT NULL DEFAULT '',
    weight_grams       integer NOT NULL DEFAULT 0 CHECK (weight_grams >= 0),
    cash_on_delivery   boolean NOT NULL DEFAULT false,
    cancelled          boolean NOT NULL DEFAULT false,
    cancel_reason      text NOT NULL DEFAULT '',
    version            bigint NOT NULL DEFAULT 1,
    create_time        timestamptz NOT NULL,
    CONSTRAINT a_tombstone_is_empty CHECK (
        (order_id IS NOT NULL AND shop_id IS NOT NULL AND delivery_method_id IS NOT NULL AND kind IS NOT NULL)
        OR (order_id IS NULL AND shop_id IS NULL AND delivery_method_id IS NULL AND kind IS NULL AND cancelled))
);
CREATE INDEX delivery_plans_order ON delivery_plans (order_id);

CREATE SEQUENCE waybill_numbers;

CREATE TABLE shipments (
    shipment_id      uuid PRIMARY KEY,
    delivery_plan_id uuid NOT NULL REFERENCES delivery_plans,
    order_id         uuid NOT NULL,
    shop_id          uuid NOT NULL,
    carrier          text NOT NULL,
    tracking_number  text NOT NULL UNIQUE,
    status           text NOT NULL CHECK (status IN (
        'pending', 'picked_up', 'in_transit', 'out_for_delivery', 'ready_for_pickup', 'on_hold', 'delivery_delayed',
        'delivery_failed', 'delivered', 'return_to_sender', 'cancelled', 'unknown')),
    -- When the event that gave the status happened, null before the first; older events do not move it.
    status_time      timestamptz,
    version          bigint NOT NULL DEFAULT 1,
    create_time      timestamptz NOT NULL
);
-- One live parcel per plan: another may be booked once it was cancelled or came back.
CREATE UNIQUE INDEX shipments_live ON shipments (delivery_plan_id) WHERE status NOT IN ('cancelled', 'return_to_sender');
CREATE INDEX shipments_plan ON shipments (delivery_plan_id);
CREATE INDEX shipments_order ON shipments (order_id);
CREATE INDEX shipments_newest ON shipments (create_time DESC, shipment_id DESC);
CREATE INDEX shipments_shop ON shipments (shop_id, create_time DESC, shipment_id DESC);

-- What happened to a parcel, in the order it was told.
CREATE TABLE tracking_events (
    sequence        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shipment_id     uuid NOT NULL REFERENCES shipments,
    status          text NOT NULL CHECK (status IN (
        'pending', 'picked_up', 'in_transit', 'out_for_delivery', 'ready_for_pickup', 'on_hold', 'delivery_delayed',
        'delivery_failed', 'delivered', 'return_to_sender', 'cancelled', 'unknown')),
    occur_time      timestamptz NOT NULL,
    description     text NOT NULL DEFAULT '',
    location        text NOT NULL DEFAULT '',
    incident_reason text NOT NULL DEFAULT '',
    record_time     timestamptz NOT NULL,
    CONSTRAINT a_failure_has_a_reason CHECK (status <> 'delivery_failed' OR incident_reason <> '')
);
CREATE INDEX tracking_events_shipment ON tracking_events (shipment_id, occur_time, sequence);
