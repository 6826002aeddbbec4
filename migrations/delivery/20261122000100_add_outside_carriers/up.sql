-- Carriers outside: accounts, bookings that last, labels, incidents, webhooks, cash on delivery.

CREATE TABLE carrier_accounts (
    carrier_account_id uuid PRIMARY KEY,
    shop_id            uuid,
    kind               text NOT NULL CHECK (kind IN ('parcel', 'nova-poshta', 'cdek')),
    name               text NOT NULL,
    base_url           text NOT NULL,
    -- Sealed under the installation's key: a JSON object of names and values.
    credentials        bytea NOT NULL,
    -- Names the sender: personal.
    settings           jsonb NOT NULL,
    webhook_url        text NOT NULL DEFAULT '',
    -- What the carrier was told last; differs from webhook_url until a job has told it.
    webhook_told_url   text NOT NULL DEFAULT '',
    webhook_due_time   timestamptz,
    enabled            boolean NOT NULL,
    version            bigint NOT NULL DEFAULT 1,
    create_time        timestamptz NOT NULL
);
CREATE INDEX carrier_accounts_oldest ON carrier_accounts (create_time, carrier_account_id);
CREATE INDEX carrier_accounts_untold ON carrier_accounts (webhook_due_time) WHERE webhook_due_time IS NOT NULL;

ALTER TABLE delivery_methods
    ADD COLUMN carrier_account_id uuid REFERENCES carrier_accounts,
    ADD COLUMN carrier_service    text NOT NULL DEFAULT '',
    DROP CONSTRAINT delivery_methods_kind_check,
    ADD CONSTRAINT delivery_methods_kind_check CHECK (kind IN ('courier', 'pickup', 'parcel')),
    ADD CONSTRAINT a_parcel_has_a_carrier CHECK ((kind = 'parcel') = (carrier_account_id IS NOT NULL));

-- The account and the service are those of the method when it was planned. No foreign key, as with the method.
ALTER TABLE delivery_plans
    ADD COLUMN carrier_account_id uuid,
    ADD COLUMN carrier_service    text NOT NULL DEFAULT '',
    ADD COLUMN items              jsonb NOT NULL DEFAULT '[]',
    -- Null when the caller left it to the plan: then it is the goods and the delivery.
    ADD COLUMN cash_amount        bigint CHECK (cash_amount >= 0),
    ADD COLUMN order_number       text NOT NULL DEFAULT '',
    DROP CONSTRAINT delivery_plans_kind_check,
    ADD CONSTRAINT delivery_plans_kind_check CHECK (kind IN ('courier', 'pickup', 'parcel'));

ALTER TABLE shipments
    DROP CONSTRAINT shipments_tracking_number_key,
    ADD COLUMN state              text NOT NULL DEFAULT 'booked'
        CHECK (state IN ('booking', 'booked', 'booking_failed', 'cancelling', 'cancelled')),
    ADD COLUMN carrier_account_id uuid REFERENCES carrier_accounts,
    ADD COLUMN carrier_service    text NOT NULL DEFAULT '',
    -- What the carrier calls the parcel before it has a number.
    ADD COLUMN carrier_parcel_id  text NOT NULL DEFAULT '',
    -- Whether the carrier may know of the parcel: written before it is asked, so that a repeat asks first.
    ADD COLUMN sending            boolean NOT NULL DEFAULT false,
    -- When a job looks at it next; null when there is nothing to do with its carrier.
    ADD COLUMN work_time          timestamptz,
    ADD COLUMN attempts           integer NOT NULL DEFAULT 0,
    ADD COLUMN book_time          timestamptz,
    ADD COLUMN has_label          boolean NOT NULL DEFAULT false,
    -- When its tracking is asked for next; null when it is at its end.
    ADD COLUMN poll_time          timestamptz,
    -- The last time anything was reported.
    ADD COLUMN moved_time         timestamptz,
    ADD COLUMN stored_time        timestamptz,
    ADD COLUMN storage_end_time   timestamptz,
    ADD COLUMN watch_time         timestamptz,
    ADD COLUMN currency           text NOT NULL DEFAULT '',
    ADD COLUMN cash_expected      bigint NOT NULL DEFAULT 0 CHECK (cash_expected >= 0),
    ADD COLUMN cash_collected     bigint CHECK (cash_collected >= 0),
    ADD COLUMN cash_received      bigint CHECK (cash_received >= 0),
    ADD COLUMN delivered_time     timestamptz,
    ADD COLUMN carrier_price      bigint CHECK (carrier_price >= 0),
    -- What a person corrected for this parcel; personal.
    ADD COLUMN correction         jsonb,
    ADD COLUMN tracker_code       uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    ADD CONSTRAINT a_booked_parcel_has_a_number CHECK (state <> 'booked' OR tracking_number <> ''),
    ADD CONSTRAINT a_cancelled_parcel_is_cancelled CHECK (state <> 'cancelled' OR status = 'cancelled');
UPDATE shipments SET state = 'cancelled' WHERE status = 'cancelled';
-- Carriers number as they like: a number is one parcel's within an account only.
CREATE UNIQUE INDEX shipments_tracking_number
    ON shipments (carrier, coalesce(carrier_account_id, '00000000-0000-0000-0000-000000000000'), tracking_number)
    WHERE tracking_number <> '';
-- Whole, since a statement that is planned once cannot know that a bound value is not empty.
CREATE INDEX shipments_number ON shipments (tracking_number);
CREATE INDEX shipments_carrier_parcel ON shipments (carrier_account_id, carrier_parcel_id);
CREATE INDEX shipments_work ON shipments (work_time) WHERE work_time IS NOT NULL;
CREATE INDEX shipments_poll ON shipments (poll_time) WHERE poll_time IS NOT NULL;
CREATE INDEX shipments_watch ON shipments (watch_time) WHERE watch_time IS NOT NULL;
-- What the lists of late parcels walk along.
CREATE INDEX shipments_never_scanned ON shipments (book_time, shipment_id) WHERE state = 'booked' AND status = 'pending';
CREATE INDEX shipments_stored ON shipments (stored_time, shipment_id) WHERE status = 'ready_for_pickup';
CREATE INDEX shipments_no_movement ON shipments (moved_time, shipment_id)
    WHERE status IN ('picked_up', 'in_transit', 'out_for_delivery', 'on_hold', 'delivery_delayed', 'delivery_failed', 'unknown');
CREATE INDEX shipments_cash_overdue ON shipments (delivered_time, shipment_id)
    WHERE status = 'delivered' AND cash_expected > 0 AND cash_expected > coalesce(cash_received, 0);
CREATE INDEX shipments_not_booked ON shipments (create_time, shipment_id) WHERE state IN ('booking', 'booking_failed');
-- What was booked before is watched from now on.
UPDATE shipments SET book_time = create_time, moved_time = status_time;

ALTER TABLE tracking_events
    ADD COLUMN carrier_code     text NOT NULL DEFAULT '',
    ADD COLUMN code_map_version integer NOT NULL DEFAULT 0,
    -- By which a carrier's event is recognised when it comes again.
    ADD COLUMN carrier_event_id text;
CREATE UNIQUE INDEX tracking_events_once ON tracking_events (shipment_id, carrier_event_id) WHERE carrier_event_id IS NOT NULL;

CREATE TABLE shipment_labels (
    shipment_id  uuid PRIMARY KEY REFERENCES shipments,
    content      bytea NOT NULL,
    content_type text NOT NULL,
    create_time  timestamptz NOT NULL
);

-- One per parcel and cause; what comes again opens the same one.
CREATE TABLE incidents (
    incident_id      uuid PRIMARY KEY,
    shipment_id      uuid NOT NULL REFERENCES shipments,
    order_id         uuid NOT NULL,
    shop_id          uuid NOT NULL,
    reason           text NOT NULL,
    field            text NOT NULL DEFAULT '',
    carrier_words    text NOT NULL DEFAULT '',
    closed           boolean NOT NULL DEFAULT false,
    assignee         text NOT NULL DEFAULT '',
    due_time         timestamptz NOT NULL,
    next_action_time timestamptz,
    open_time        timestamptz NOT NULL,
    close_time       timestamptz,
    occurrences      integer NOT NULL DEFAULT 1,
    version          bigint NOT NULL DEFAULT 1,
    UNIQUE (shipment_id, reason),
    CHECK (closed = (close_time IS NOT NULL))
);
CREATE INDEX incidents_due ON incidents (due_time, incident_id);
CREATE INDEX incidents_open ON incidents (due_time, incident_id) WHERE NOT closed;

CREATE TABLE incident_notes (
    sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id uuid NOT NULL REFERENCES incidents,
    author      text NOT NULL,
    -- Personal: people write about people.
    text        text NOT NULL,
    create_time timestamptz NOT NULL
);
CREATE INDEX incident_notes_incident ON incident_notes (incident_id, sequence);

-- What carriers sent, as it came: the same body of an account is kept once.
CREATE TABLE carrier_webhooks (
    sequence           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier_account_id uuid NOT NULL REFERENCES carrier_accounts,
    digest             bytea NOT NULL,
    body               bytea NOT NULL,
    peer               text NOT NULL,
    receive_time       timestamptz NOT NULL,
    -- When it is looked at next; null when it was applied or given up.
    work_time          timestamptz,
    attempts           integer NOT NULL DEFAULT 0,
    -- What became of it.
    outcome            text NOT NULL DEFAULT '',
    UNIQUE (carrier_account_id, digest)
);
CREATE INDEX carrier_webhooks_work ON carrier_webhooks (work_time, sequence) WHERE work_time IS NOT NULL;
CREATE INDEX carrier_webhooks_received ON carrier_webhooks (receive_time);

CREATE TABLE unmapped_codes (
    carrier          text NOT NULL,
    code             text NOT NULL,
    count            bigint NOT NULL,
    first_seen_time  timestamptz NOT NULL,
    last_seen_time   timestamptz NOT NULL,
    last_shipment_id uuid NOT NULL,
    PRIMARY KEY (carrier, code)
);

-- What a shop received of the cash that carriers collected.
CREATE TABLE cash_transfers (
    sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shipment_id uuid NOT NULL REFERENCES shipments,
    amount      bigint NOT NULL CHECK (amount > 0),
    occur_time  timestamptz NOT NULL,
    document    text NOT NULL DEFAULT '',
    record_time timestamptz NOT NULL
);
CREATE INDEX cash_transfers_shipment ON cash_transfers (shipment_id, sequence);
