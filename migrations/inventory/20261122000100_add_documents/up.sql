-- Stock documents, shortages as objects, shipments of reservations, reservations that change, and transfers.

-- What every change of what is on hand belongs to. Rows never change: a wrong document is reversed by another.
CREATE TABLE stock_documents (
    document_id uuid PRIMARY KEY,
    number      bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind        text NOT NULL
                CHECK (kind IN ('receipt', 'adjustment', 'shipment', 'write_off', 'return', 'transfer',
                                'condition_change', 'reversal')),
    reason      text CHECK (reason IN ('damaged', 'expired', 'lost', 'stolen', 'defective', 'own_use',
                                       'lost_in_transit', 'returned_unfit', 'other')),
    reference   text NOT NULL,
    note        text NOT NULL,
    author      text NOT NULL,
    shop_id     uuid,
    transfer_id uuid,
    reverses    uuid UNIQUE REFERENCES stock_documents,
    post_time   timestamptz NOT NULL,
    CONSTRAINT stock_documents_write_off_for_a_reason CHECK (kind <> 'write_off' OR reason IS NOT NULL),
    CONSTRAINT stock_documents_reverse_another CHECK ((kind = 'reversal') = (reverses IS NOT NULL))
);
CREATE INDEX stock_documents_reference ON stock_documents (reference, number);

ALTER TABLE stock_levels DROP CONSTRAINT stock_levels_condition_check;
ALTER TABLE stock_levels ADD CONSTRAINT stock_levels_condition_check
    CHECK (condition IN ('sellable', 'quarantine', 'damaged', 'in_transit'));

ALTER TABLE stock_ledger DROP CONSTRAINT stock_ledger_kind_check;
ALTER TABLE stock_ledger ADD CONSTRAINT stock_ledger_kind_check
    CHECK (kind IN ('receipt', 'adjustment', 'reserve', 'release', 'shipment', 'shortage', 'write_off', 'return',
                    'transfer', 'condition_change', 'reversal'));
-- Rows from before there were documents stay as they are. No foreign key: a row and its document are one statement.
ALTER TABLE stock_ledger ADD COLUMN document_id uuid;
ALTER TABLE stock_ledger ADD CONSTRAINT stock_ledger_moves_by_documents
    CHECK (on_hand_delta = 0 OR document_id IS NOT NULL) NOT VALID;
CREATE INDEX stock_ledger_document ON stock_ledger (document_id, sequence) WHERE document_id IS NOT NULL;

-- `revision` counts the owner's changes. Where units may come from is kept, because units that arrive later are held too.
ALTER TABLE reservations ADD COLUMN revision integer NOT NULL DEFAULT 0 CHECK (revision >= 0);
ALTER TABLE reservations ADD COLUMN author text NOT NULL DEFAULT '';
ALTER TABLE reservations ADD COLUMN warehouse_ids uuid[] NOT NULL DEFAULT '{}';
ALTER TABLE reservations ADD COLUMN split text NOT NULL DEFAULT 'allowed' CHECK (split IN ('allowed', 'one_warehouse'));
CREATE INDEX reservations_holds ON reservations (shop_id, owner) WHERE state = 'held' AND expire_time IS NOT NULL;

-- What has left, by shipment: a shipment that is posted again is found here.
CREATE TABLE reservation_shipments (
    reservation_id uuid NOT NULL REFERENCES reservations,
    reference      text COLLATE "C" NOT NULL,
    sku            text COLLATE "C" NOT NULL,
    warehouse_id   uuid NOT NULL,
    quantity       bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (reservation_id, reference, sku, warehouse_id)
);
WITH shipped AS (
    DELETE FROM reservation_lines USING reservations
    WHERE reservations.reservation_id = reservation_lines.reservation_id AND state = 'shipped'
    RETURNING reservation_lines.*
)
INSERT INTO reservation_shipments (reservation_id, reference, sku, warehouse_id, quantity)
SELECT reservation_id, '', sku, warehouse_id, quantity FROM shipped;

-- Units that a reservation wants and does not hold. While it is open there is one per SKU and reservation.
CREATE TABLE shortages (
    shortage_id    uuid PRIMARY KEY,
    reservation_id uuid NOT NULL REFERENCES reservations,
    owner          text COLLATE "C" NOT NULL,
    shop_id        uuid NOT NULL,
    sku            text COLLATE "C" NOT NULL,
    missing        bigint NOT NULL,
    state          text NOT NULL CHECK (state IN ('open', 'covered', 'closed')),
    assignee       text NOT NULL,
    due_time       timestamptz NOT NULL,
    create_time    timestamptz NOT NULL,
    end_time       timestamptz,
    version        bigint NOT NULL,
    CONSTRAINT shortages_lack_units_while_open
        CHECK (CASE WHEN state = 'open' THEN missing > 0 AND end_time IS NULL ELSE missing = 0 AND end_time IS NOT NULL END)
);
CREATE UNIQUE INDEX shortages_one_open ON shortages (reservation_id, sku) WHERE state = 'open';
CREATE INDEX shortages_waiting ON shortages (sku, create_time, shortage_id) WHERE state = 'open';
CREATE INDEX shortages_sku ON shortages (sku);
CREATE INDEX shortages_due ON shortages (due_time, shortage_id);
INSERT INTO shortages (shortage_id, reservation_id, owner, shop_id, sku, missing, state, assignee, due_time, create_time,
                       version)
SELECT gen_random_uuid(), reservation_id, owner, shop_id, sku, wanted - available, 'open', '',
       create_time + interval '24 hours', create_time, 1
FROM reservation_shortages JOIN reservations USING (reservation_id)
WHERE state = 'held';
DROP TABLE reservation_shortages;

-- Goods on their way from one warehouse to another; the units are at the destination, in the condition 'in_transit'.
CREATE TABLE transfers (
    transfer_id       uuid PRIMARY KEY,
    from_warehouse_id uuid NOT NULL REFERENCES warehouses,
    to_warehouse_id   uuid NOT NULL REFERENCES warehouses,
    state             text NOT NULL CHECK (state IN ('dispatched', 'received', 'cancelled')),
    reference         text NOT NULL,
    author            text NOT NULL,
    create_time       timestamptz NOT NULL,
    end_time          timestamptz,
    version           bigint NOT NULL,
    CONSTRAINT transfers_go_somewhere_else CHECK (from_warehouse_id <> to_warehouse_id),
    CONSTRAINT transfers_end_once CHECK ((state = 'dispatched') = (end_time IS NULL))
);
CREATE INDEX transfers_age ON transfers (create_time, transfer_id);

CREATE TABLE transfer_lines (
    transfer_id uuid NOT NULL REFERENCES transfers,
    sku         text COLLATE "C" NOT NULL,
    dispatched  bigint NOT NULL CHECK (dispatched > 0),
    received    bigint NOT NULL CHECK (received >= 0),
    lost        bigint NOT NULL CHECK (lost >= 0),
    returned    bigint NOT NULL CHECK (returned >= 0),
    PRIMARY KEY (transfer_id, sku),
    CONSTRAINT transfer_lines_bring_what_was_sent CHECK (received + lost + returned <= dispatched)
);
CREATE INDEX transfer_lines_on_the_way ON transfer_lines (sku) WHERE received + lost + returned < dispatched;
