//! What the orders say of themselves: sums, quantities, ids, parts, history.

use crate::check::Check;

const DATABASE: &str = "orders";

pub(super) const CHECKS: &[Check] = &[
    rows(
        "order-totals",
        "The total of an order is its goods and its delivery.",
        "SELECT order_id, goods_total + delivery_total AS expected, total AS found FROM orders
         WHERE total <> goods_total + delivery_total",
    ),
    rows(
        "order-goods",
        "The goods of an order that was placed cost what its lines cost.",
        "SELECT o.order_id, coalesce(sum(l.total), 0) AS expected, min(o.goods_total) AS found
         FROM orders o LEFT JOIN order_lines l USING (order_id)
         WHERE o.state NOT IN ('placing', 'rejected')
         GROUP BY o.order_id HAVING coalesce(sum(l.total), 0) <> min(o.goods_total)",
    ),
    rows(
        "order-parts-of-orders",
        "Every line, buyer and external id belongs to an order, and every order has lines and a buyer.",
        "SELECT order_id, 'an order with lines and a buyer' AS expected,
                concat_ws(', ', CASE WHEN o.order_id IS NULL THEN 'no order' END,
                                CASE WHEN l.order_id IS NULL THEN 'no lines' END,
                                CASE WHEN b.order_id IS NULL THEN 'no buyer' END) AS found
         FROM orders o FULL JOIN (SELECT DISTINCT order_id FROM order_lines) l USING (order_id)
              FULL JOIN order_buyers b USING (order_id)
         WHERE o.order_id IS NULL OR l.order_id IS NULL OR b.order_id IS NULL",
    ),
    rows(
        "order-line-quantities",
        "Of a line no more is reserved, shipped and cancelled than ordered, and none arrives or comes back that has not left.",
        "SELECT order_id, position, ordered AS expected,
                concat_ws(' ', 'reserved', reserved, 'shipped', shipped, 'cancelled', cancelled, 'delivered', delivered,
                          'returned', returned) AS found
         FROM order_lines
         WHERE least(reserved, shipped, delivered, cancelled, returned) < 0
            OR reserved::bigint + shipped + cancelled > ordered OR delivered > shipped OR returned > shipped",
    ),
    rows(
        "order-line-totals",
        "A priced line costs price times quantity, and what adjustments add or take off.",
        "SELECT order_id, position, expected, total AS found
         FROM (SELECT l.order_id, l.position, l.total,
                      round(l.unit_price::numeric * l.ordered / l.price_quantity)
                      + coalesce((SELECT sum((one->>'minor')::bigint) FROM jsonb_array_elements(l.adjustments) AS one), 0)
                      AS expected
               FROM order_lines l JOIN orders o USING (order_id)
               WHERE l.unit_price IS NOT NULL AND o.state NOT IN ('placing', 'rejected')) AS line
         WHERE expected <> total",
    ),
    rows(
        "order-numbers",
        "No two orders have one number.",
        "SELECT number, 1 AS expected, count(*) AS found FROM orders GROUP BY number HAVING count(*) > 1",
    ),
    rows(
        "order-external-ids",
        "An id of a source leads to one order, which is there and came through that source.",
        "SELECT e.external_id, e.source_id, '1 order of the source' AS expected,
                count(DISTINCT e.order_id) || ' orders, of them there ' || count(o.order_id) AS found
         FROM order_external_ids e LEFT JOIN orders o USING (order_id, source_id)
         GROUP BY e.external_id, e.source_id HAVING count(*) <> 1 OR count(o.order_id) <> 1",
    ),
    rows(
        "order-keys",
        "The order that an idempotency key was answered with is there.",
        "SELECT k.scope, k.key, k.resource_id AS expected, 'no such order' AS found
         FROM idempotency_keys k LEFT JOIN orders o ON k.resource_id = 'ord_' || replace(o.order_id::text, '-', '')
         WHERE k.method = 'orders.place_order' AND k.resource_id IS NOT NULL AND o.order_id IS NULL",
    ),
    rows(
        "order-sagas",
        "An order that is being placed, cancelled or edited has a process that does it.",
        "SELECT under_way.order_id, under_way.what, 'a running process' AS expected, coalesce(s.state, 'none') AS found
         FROM (SELECT order_id, 'placing' AS what, order_id AS saga_id FROM orders WHERE state = 'placing'
               UNION ALL SELECT order_id, 'cancelling', cancelling FROM orders WHERE cancelling IS NOT NULL
               UNION ALL SELECT order_id, 'editing', editing FROM order_progress WHERE editing IS NOT NULL
               UNION ALL SELECT order_id, 'cancelling a part', cancelling FROM order_fulfilments WHERE cancelling IS NOT NULL
               UNION ALL SELECT order_id, 'taking back', working FROM returns WHERE working IS NOT NULL) AS under_way
         LEFT JOIN sagas s USING (saga_id)
         WHERE coalesce(s.state, 'none') NOT IN ('running', 'unwinding')",
    ),
    rows(
        "order-ends",
        "A rejected order says why, a cancelled one too, and neither holds anything.",
        "SELECT o.order_id, 'a reason and nothing reserved' AS expected,
                concat_ws(' ', o.state, 'reserved', coalesce(sum(l.reserved), 0)) AS found
         FROM orders o LEFT JOIN order_lines l USING (order_id)
         GROUP BY o.order_id, o.state, o.rejection, o.cancel_reason
         HAVING (o.state = 'rejected') <> (o.rejection IS NOT NULL) OR (o.state = 'cancelled') <> (o.cancel_reason <> '')
             OR o.state IN ('cancelled', 'rejected') AND coalesce(sum(l.reserved), 0) <> 0",
    ),
    rows(
        "order-paid",
        "What an order says was paid and refunded is what its payments took and gave back, and no more went back than came.",
        "SELECT order_id, concat_ws(' ', 'paid', sums.paid, 'refunded', sums.refunded) AS expected,
                concat_ws(' ', 'paid', o.paid, 'refunded', o.refunded) AS found
         FROM orders o LEFT JOIN (
             SELECT order_id, sum((one->>'paid')::bigint) AS paid, sum((one->>'refunded')::bigint) AS refunded
             FROM order_progress, jsonb_array_elements(payments) AS one GROUP BY order_id) AS sums USING (order_id)
         WHERE o.refunded > o.paid OR (o.paid, o.refunded) <> (coalesce(sums.paid, o.paid), coalesce(sums.refunded, o.refunded))",
    ),
    rows(
        "order-parts-shipped",
        "The parts of an order took along no more of a line than has left.",
        "SELECT order_id, position, l.shipped AS expected, sums.shipped AS found
         FROM (SELECT order_id, (one->>'position')::integer AS position, sum((one->>'shipped')::bigint) AS shipped
               FROM order_fulfilments, jsonb_array_elements(lines) AS one
               WHERE state IN ('shipped', 'delivered') GROUP BY 1, 2) AS sums
         LEFT JOIN order_lines l USING (order_id, position)
         WHERE sums.shipped > coalesce(l.shipped, 0)",
    ),
    rows(
        "return-units",
        "What came back of a line is what its returns say was received.",
        "SELECT l.order_id, l.position, coalesce(sums.received, 0) AS expected, l.returned AS found
         FROM order_lines l LEFT JOIN (
             SELECT r.order_id, i.order_position AS position, sum((one->>'quantity')::bigint) AS received
             FROM returns r JOIN return_lines i USING (return_id), jsonb_array_elements(i.received) AS one
             WHERE r.order_id IS NOT NULL GROUP BY 1, 2) AS sums USING (order_id, position)
         WHERE l.returned <> coalesce(sums.received, 0)",
    ),
    rows(
        "return-credits",
        "What an order was credited for goods that came back is what its returns credited.",
        "SELECT order_id, coalesce(credited, 0) AS expected, coalesce(p.returned_total, 0) AS found
         FROM order_progress p FULL JOIN (
             SELECT order_id, sum(credited_total) AS credited FROM returns WHERE order_id IS NOT NULL GROUP BY 1
         ) AS sums USING (order_id)
         WHERE coalesce(credited, 0) <> coalesce(p.returned_total, 0)",
    ),
    rows(
        "return-shops",
        "A return is of the shop of its order.",
        "SELECT r.return_id, r.order_id, o.shop_id AS expected, r.shop_id AS found
         FROM returns r LEFT JOIN orders o USING (order_id)
         WHERE r.order_id IS NOT NULL AND r.shop_id IS DISTINCT FROM o.shop_id",
    ),
    rows(
        "promo-code-uses",
        "A promo code was used as often as it was taken and not given back.",
        "SELECT c.promo_code_id, count(u.order_id) AS expected, c.use_count AS found
         FROM promo_codes c LEFT JOIN promo_uses u ON u.promo_code_id = c.promo_code_id AND u.state = 'taken'
         GROUP BY c.promo_code_id, c.use_count HAVING count(u.order_id) <> c.use_count",
    ),
    rows(
        "quote-orders",
        "A quote that was placed became its order, of the same shop.",
        "SELECT q.quote_id, q.order_id, q.shop_id AS expected, o.shop_id AS found
         FROM quotes q LEFT JOIN orders o USING (order_id)
         WHERE q.state = 'placed' AND q.shop_id IS DISTINCT FROM o.shop_id",
    ),
    rows(
        "cart-orders",
        "A cart that was ordered became an order of the same shop.",
        "SELECT c.cart_key, c.order_id, c.shop_id AS expected, o.shop_id AS found
         FROM carts c LEFT JOIN orders o USING (order_id)
         WHERE c.order_id IS NOT NULL AND c.shop_id IS DISTINCT FROM o.shop_id",
    ),
    rows(
        "order-events",
        "The newest event of an order has the order's version and shop.",
        "SELECT o.order_id, o.version || ' of ' || o.shop_id AS expected, coalesce(e.version || ' of ' || e.shop_id, 'none') AS found
         FROM orders o LEFT JOIN (
             SELECT DISTINCT ON (aggregate_id) aggregate_id, version, shop_id FROM event_log
             WHERE aggregate_id LIKE 'ord\\_%' ORDER BY aggregate_id, version DESC
         ) AS e ON e.aggregate_id = 'ord_' || replace(o.order_id::text, '-', '')
         WHERE CASE WHEN e.version IS NULL THEN o.version <> 0 AND (SELECT trimmed FROM event_stream) = 0
                    ELSE (o.version, o.shop_id) IS DISTINCT FROM (e.version, e.shop_id) END",
    ),
    rows(
        "order-events-of-nothing",
        "Every event of an order is of an order that is there.",
        "SELECT e.aggregate_id, 'an order' AS expected, 'none' AS found
         FROM (SELECT DISTINCT aggregate_id FROM event_log WHERE aggregate_id LIKE 'ord\\_%') AS e
         LEFT JOIN orders o ON e.aggregate_id = 'ord_' || replace(o.order_id::text, '-', '')
         WHERE o.order_id IS NULL",
    ),
    rows(
        "order-history",
        "An order has one row of history for its recording, and one for every change.",
        "SELECT o.order_id, o.version + 1 AS expected, coalesce(a.count, 0) AS found
         FROM orders o LEFT JOIN (
             SELECT resource_id, count(*) AS count FROM audit_log WHERE resource_id LIKE 'ord\\_%' GROUP BY resource_id
         ) AS a ON a.resource_id = 'ord_' || replace(o.order_id::text, '-', '')
         WHERE coalesce(a.count, 0) <> o.version + 1",
    ),
];

const fn rows(name: &'static str, says: &'static str, sql: &'static str) -> Check {
    Check::rows(DATABASE, name, says, sql)
}
