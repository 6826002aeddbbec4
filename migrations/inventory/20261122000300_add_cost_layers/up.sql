-- What units cost: layers of units that came together, where they are, and what every movement took from them or gave back.
--
-- Once everything is posted, Σ remaining of a place = on_hand of its level. Whoever changes a place has its level locked.

-- A receipt's line, a return at the cost at which it left, or units whose cost nobody knows. Rows never change.
CREATE TABLE cost_layers (
    layer_id       uuid PRIMARY KEY,
    sku            text COLLATE "C" NOT NULL,
    unit_cost      bigint CHECK (unit_cost >= 0),
    currency       text,
    received       bigint NOT NULL CHECK (received > 0),
    supplier_order text NOT NULL,
    document_id    uuid,
    receive_time   timestamptz NOT NULL,
    CONSTRAINT cost_layers_cost_in_a_currency CHECK ((unit_cost IS NULL) = (currency IS NULL))
);
CREATE INDEX cost_layers_age ON cost_layers (receive_time, layer_id);
CREATE INDEX cost_layers_sku ON cost_layers (sku, receive_time, layer_id);
CREATE INDEX cost_layers_supplier_order ON cost_layers (supplier_order, receive_time, layer_id);
CREATE INDEX cost_layers_ordered ON cost_layers (sku, receive_time, layer_id) WHERE supplier_order <> '';
CREATE INDEX cost_layers_document ON cost_layers (document_id);

-- The oldest layer of a place leaves first: the key is the queue. A layer that is used up has no row.
CREATE TABLE cost_layer_places (
    sku          text COLLATE "C" NOT NULL,
    warehouse_id uuid NOT NULL,
    condition    text NOT NULL,
    receive_time timestamptz NOT NULL,
    layer_id     uuid NOT NULL REFERENCES cost_layers,
    remaining    bigint NOT NULL CHECK (remaining > 0),
    PRIMARY KEY (sku, warehouse_id, condition, receive_time, layer_id)
) WITH (fillfactor = 80);
CREATE INDEX cost_layer_places_layer ON cost_layer_places (layer_id);

-- What a ledger row's units cost. `owner` is the order whose goods left or came back. No foreign keys, as in the ledger.
CREATE TABLE stock_costs (
    sequence bigint NOT NULL,
    layer_id uuid NOT NULL,
    units    bigint NOT NULL CHECK (units <> 0),
    owner    text COLLATE "C",
    PRIMARY KEY (sequence, layer_id)
);
CREATE INDEX stock_costs_owner ON stock_costs (owner) WHERE owner IS NOT NULL;

CREATE TRIGGER stock_costs_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_costs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER cost_layers_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON cost_layers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

-- What is there already came at a cost that nobody told.
WITH there AS (
    SELECT gen_random_uuid() AS layer_id, sku, warehouse_id, condition, on_hand, update_time
    FROM stock_levels WHERE on_hand > 0
), layers AS (
    INSERT INTO cost_layers (layer_id, sku, received, supplier_order, receive_time)
    SELECT layer_id, sku, on_hand, '', update_time FROM there
)
INSERT INTO cost_layer_places (sku, warehouse_id, condition, receive_time, layer_id, remaining)
SELECT sku, warehouse_id, condition, update_time, layer_id, on_hand FROM there;
