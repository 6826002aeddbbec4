//! What inventory says of itself: levels, the ledger behind them, reservations, layers, documents, transfers.

use crate::check::Check;

const DATABASE: &str = "inventory";

pub(super) const CHECKS: &[Check] = &[
    rows(
        "stock-on-hand",
        "What is on hand is the sum of what the ledger moved.",
        "SELECT sku, warehouse_id, condition, coalesce(sum, 0) AS expected, coalesce(on_hand, 0) AS found
         FROM stock_levels FULL JOIN (
             SELECT sku, warehouse_id, condition, sum(on_hand_delta) AS sum FROM stock_ledger GROUP BY 1, 2, 3
         ) AS ledger USING (sku, warehouse_id, condition)
         WHERE coalesce(on_hand, 0) <> coalesce(sum, 0)",
    ),
    rows(
        "stock-reserved",
        "What is reserved is the sum of what the ledger reserved and released.",
        "SELECT sku, warehouse_id, condition, coalesce(sum, 0) AS expected, coalesce(reserved, 0) AS found
         FROM stock_levels FULL JOIN (
             SELECT sku, warehouse_id, condition, sum(reserved_delta) AS sum FROM stock_ledger GROUP BY 1, 2, 3
         ) AS ledger USING (sku, warehouse_id, condition)
         WHERE coalesce(reserved, 0) <> coalesce(sum, 0)",
    ),
    rows(
        "stock-reservations",
        "What is reserved is what live reservations hold.",
        "SELECT sku, warehouse_id, coalesce(sum, 0) AS expected, coalesce(reserved, 0) AS found
         FROM (SELECT * FROM stock_levels WHERE condition = 'sellable') AS level FULL JOIN (
             SELECT l.sku, l.warehouse_id, sum(l.quantity) AS sum
             FROM reservation_lines l JOIN reservations r USING (reservation_id) WHERE r.state = 'held' GROUP BY 1, 2
         ) AS held USING (sku, warehouse_id)
         WHERE coalesce(reserved, 0) <> coalesce(sum, 0)",
    ),
    rows(
        "stock-bounds",
        "Nothing is oversold: at least nothing and at most what is on hand is reserved, and only what can be sold.",
        "SELECT sku, warehouse_id, condition, 'from 0 to ' || CASE condition WHEN 'sellable' THEN on_hand ELSE 0 END AS expected,
                reserved AS found
         FROM stock_levels
         WHERE reserved < 0 OR on_hand < 0 OR reserved > on_hand OR reserved <> 0 AND condition <> 'sellable'",
    ),
    rows(
        "stock-layers",
        "Every unit on hand belongs to a cost layer.",
        "SELECT sku, warehouse_id, condition, coalesce(sum, 0) AS expected, coalesce(on_hand, 0) AS found
         FROM stock_levels FULL JOIN (
             SELECT sku, warehouse_id, condition, sum(remaining) AS sum FROM cost_layer_places GROUP BY 1, 2, 3
         ) AS layers USING (sku, warehouse_id, condition)
         WHERE coalesce(on_hand, 0) <> coalesce(sum, 0)",
    ),
    rows(
        "stock-layers-received",
        "No cost layer has more units left than came in it.",
        "SELECT layer_id, l.sku, l.received AS expected, sum(p.remaining) AS found
         FROM cost_layers l JOIN cost_layer_places p USING (layer_id)
         GROUP BY layer_id, l.sku, l.received HAVING sum(p.remaining) > l.received",
    ),
    rows(
        "stock-documents",
        "Every move of units belongs to a document that is there.",
        "SELECT g.sequence, g.sku, g.document_id AS expected, 'no such document' AS found
         FROM stock_ledger g LEFT JOIN stock_documents d USING (document_id)
         WHERE g.document_id IS NOT NULL AND d.document_id IS NULL",
    ),
    rows(
        "stock-in-transit",
        "What is in transit to a warehouse is what transfers have sent there and nobody has received, lost or returned.",
        "SELECT sku, warehouse_id, coalesce(sum, 0) AS expected, coalesce(on_hand, 0) AS found
         FROM (SELECT * FROM stock_levels WHERE condition = 'in_transit') AS level FULL JOIN (
             SELECT l.sku, t.to_warehouse_id AS warehouse_id, sum(l.dispatched - l.received - l.lost - l.returned) AS sum
             FROM transfer_lines l JOIN transfers t USING (transfer_id) WHERE t.state = 'dispatched' GROUP BY 1, 2
         ) AS sent USING (sku, warehouse_id)
         WHERE coalesce(on_hand, 0) <> coalesce(sum, 0)",
    ),
    rows(
        "stock-shipped",
        "What the ledger says has left for reservations is what their shipments say.",
        "SELECT sku, warehouse_id, coalesce(shipped, 0) AS expected, coalesce(moved, 0) AS found
         FROM (SELECT sku, warehouse_id, sum(quantity) AS shipped FROM reservation_shipments GROUP BY 1, 2) AS shipments
         FULL JOIN (
             SELECT sku, warehouse_id, -sum(on_hand_delta) AS moved FROM stock_ledger WHERE kind = 'shipment' GROUP BY 1, 2
         ) AS ledger USING (sku, warehouse_id)
         WHERE coalesce(shipped, 0) <> coalesce(moved, 0)",
    ),
    rows(
        "reservation-owners",
        "An owner has one live reservation that never expires.",
        "SELECT owner, 1 AS expected, count(*) AS found FROM reservations
         WHERE state = 'held' AND expire_time IS NULL GROUP BY owner HAVING count(*) > 1",
    ),
    rows(
        "reservation-lines",
        "Every line belongs to a reservation.",
        "SELECT DISTINCT l.reservation_id, 'a reservation' AS expected, 'lines without it' AS found
         FROM reservation_lines l LEFT JOIN reservations r USING (reservation_id) WHERE r.reservation_id IS NULL",
    ),
    rows(
        "reservation-shortages",
        "An open shortage is of a live reservation and of its shop, and there is one per SKU.",
        "SELECT s.reservation_id, s.sku, '1 of a held reservation of ' || max(s.shop_id::text) AS expected,
                concat_ws(' ', count(*), 'of a', coalesce(max(r.state), 'missing'), 'reservation of', max(r.shop_id::text)) AS found
         FROM shortages s LEFT JOIN reservations r USING (reservation_id)
         WHERE s.state = 'open'
         GROUP BY s.reservation_id, s.sku
         HAVING count(*) > 1 OR max(r.state) IS DISTINCT FROM 'held' OR max(r.shop_id::text) <> max(s.shop_id::text)",
    ),
];

const fn rows(name: &'static str, says: &'static str, sql: &'static str) -> Check {
    Check::rows(DATABASE, name, says, sql)
}
