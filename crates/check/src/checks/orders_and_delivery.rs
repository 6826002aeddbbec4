//! What orders believe of their deliveries and parcels, beside what delivery knows.

use crate::check::{Check, Look};
use crate::pairs::{Pair, Side, in_book, same_where_both};

/// Orders that may have a delivery.
const WANTED: Side = Side {
    database: "orders",
    sql: "SELECT order_id::text AS order_id, CASE WHEN state IN ('cancelled', 'rejected') THEN state ELSE 'wanted' END
          FROM orders ORDER BY orders.order_id",
};

pub(super) const CHECKS: &[Check] = &[
    pair(
        "order-delivery-plans",
        "The delivery plan of an order, and of each of its parts, is there, of that order and its shop.",
        Pair {
            book: Side {
                database: "delivery",
                sql: "SELECT delivery_plan_id::text AS delivery_plan_id, concat_ws(' ', 'order', order_id, 'shop', shop_id)
                      FROM delivery_plans WHERE order_id IS NOT NULL ORDER BY delivery_plans.delivery_plan_id",
            },
            copy: Side {
                database: "orders",
                sql: "SELECT delivery_plan_id::text AS delivery_plan_id, concat_ws(' ', 'order', order_id, 'shop', shop_id),
                             order_id::text AS order_id
                      FROM (SELECT o.delivery_plan_id, o.order_id, o.shop_id FROM orders o
                            WHERE o.delivery_plan_id IS NOT NULL AND o.state NOT IN ('placing', 'rejected')
                            UNION
                            SELECT f.delivery_plan_id, f.order_id, o.shop_id
                            FROM order_fulfilments f LEFT JOIN orders o USING (order_id)
                            WHERE f.delivery_plan_id IS NOT NULL AND f.state NOT IN ('planning', 'cancelled')) AS planned
                      ORDER BY planned.delivery_plan_id",
            },
            agree: in_book,
        },
    ),
    pair(
        "delivery-plan-orders",
        "A delivery plan that is not cancelled is of an order that is there and was not.",
        Pair {
            book: WANTED,
            copy: Side {
                database: "delivery",
                sql: "SELECT order_id::text AS order_id, 'wanted', delivery_plan_id::text AS delivery_plan_id FROM delivery_plans
                      WHERE order_id IS NOT NULL AND NOT cancelled ORDER BY delivery_plans.order_id",
            },
            agree: in_book,
        },
    ),
    pair(
        "order-shipments",
        "The parcel of a part that was booked, or is being booked, is there, of the same order and shop.",
        Pair {
            book: Side {
                database: "delivery",
                sql: "SELECT shipment_id::text AS shipment_id, concat_ws(' ', 'order', order_id, 'shop', shop_id)
                      FROM shipments ORDER BY shipments.shipment_id",
            },
            copy: Side {
                database: "orders",
                sql: "SELECT shipment_id::text AS shipment_id, concat_ws(' ', 'order', order_id, 'shop', shop_id),
                             order_id::text AS order_id
                      FROM (SELECT f.shipment_id, f.order_id, o.shop_id
                            FROM order_fulfilments f LEFT JOIN orders o USING (order_id)
                            WHERE f.shipment_id IS NOT NULL AND (f.state IN ('booking', 'booked') OR f.tracking_number <> '')
                            UNION
                            SELECT unnest(shipment_ids), order_id, shop_id FROM orders) AS parcel
                      ORDER BY parcel.shipment_id",
            },
            agree: in_book,
        },
    ),
    pair(
        "shipment-orders",
        "A parcel that is booked and neither cancelled nor on its way back is of an order that is there and was not cancelled.",
        Pair {
            book: WANTED,
            copy: Side {
                database: "delivery",
                sql: "SELECT order_id::text AS order_id, 'wanted', shipment_id::text AS shipment_id FROM shipments
                      WHERE state = 'booked' AND status NOT IN ('cancelled', 'return_to_sender') ORDER BY shipments.order_id",
            },
            agree: in_book,
        },
    ),
    pair(
        "order-waybills",
        "A part of an order has the waybill of its parcel.",
        Pair {
            book: Side {
                database: "delivery",
                sql: "SELECT shipment_id::text AS shipment_id, tracking_number FROM shipments ORDER BY shipments.shipment_id",
            },
            copy: Side {
                database: "orders",
                sql: "SELECT shipment_id::text AS shipment_id, tracking_number, order_id::text AS order_id FROM order_fulfilments
                      WHERE shipment_id IS NOT NULL AND tracking_number <> '' ORDER BY order_fulfilments.shipment_id",
            },
            agree: same_where_both,
        },
    ),
    pair(
        "order-numbers-reused",
        "Nobody knows another order by the number of an order.",
        Pair {
            book: Side {
                database: "delivery",
                sql: "SELECT order_number COLLATE \"C\" AS number, (array_agg(order_id::text ORDER BY create_time))[1] FROM delivery_plans
                      WHERE order_number <> '' AND order_id IS NOT NULL GROUP BY delivery_plans.order_number
                      ORDER BY order_number COLLATE \"C\"",
            },
            copy: Side {
                database: "orders",
                sql: "SELECT number COLLATE \"C\" AS number, order_id::text, order_id::text AS order_id FROM orders
                      ORDER BY number COLLATE \"C\"",
            },
            agree: same_where_both,
        },
    ),
    Check::rows(
        "orders",
        "order-parcels",
        "An order that is being assembled and is to be delivered has a part, which has a parcel or says why not.",
        "SELECT o.order_id, 'a part with a parcel' AS expected, coalesce(max(f.state), 'no part') AS found
         FROM orders o LEFT JOIN order_fulfilments f USING (order_id)
         WHERE o.state = 'assembling' AND o.delivery_plan_id IS NOT NULL
         GROUP BY o.order_id
         HAVING count(f.order_id) = 0 OR bool_or(f.state IN ('booking', 'booked') AND f.shipment_id IS NULL)",
    ),
];

const fn pair(name: &'static str, says: &'static str, pair: Pair) -> Check {
    Check::looking(name, says, Look::Pair(pair))
}
