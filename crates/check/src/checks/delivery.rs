//! What delivery says of itself: parcels, waybills, slots, cash.

use crate::check::Check;

const DATABASE: &str = "delivery";

pub(super) const CHECKS: &[Check] = &[
    rows(
        "shipments-of-plans",
        "A plan has at most one parcel that is under way or arrived.",
        "SELECT delivery_plan_id, 1 AS expected, count(*) AS found FROM shipments
         WHERE status NOT IN ('cancelled', 'return_to_sender') GROUP BY delivery_plan_id HAVING count(*) > 1",
    ),
    rows(
        "waybills",
        "A waybill of a carrier's account is that of one parcel, and every booked parcel has one.",
        "SELECT carrier, carrier_account_id, tracking_number, 1 AS expected, count(*) AS found FROM shipments
         WHERE tracking_number <> '' OR state = 'booked'
         GROUP BY carrier, carrier_account_id, tracking_number HAVING count(*) > 1 OR tracking_number = ''",
    ),
    rows(
        "shipment-parents",
        "A parcel is of a plan that is there, and of its order and shop.",
        "SELECT s.shipment_id, s.delivery_plan_id, concat_ws(' ', p.order_id, p.shop_id) AS expected,
                concat_ws(' ', s.order_id, s.shop_id) AS found
         FROM shipments s LEFT JOIN delivery_plans p USING (delivery_plan_id)
         WHERE (s.order_id, s.shop_id) IS DISTINCT FROM (p.order_id, p.shop_id)",
    ),
    rows(
        "incident-shops",
        "An incident is of the order and the shop of its parcel.",
        "SELECT i.incident_id, i.shipment_id, concat_ws(' ', s.order_id, s.shop_id) AS expected,
                concat_ws(' ', i.order_id, i.shop_id) AS found
         FROM incidents i LEFT JOIN shipments s USING (shipment_id)
         WHERE (i.order_id, i.shop_id) IS DISTINCT FROM (s.order_id, s.shop_id)",
    ),
    rows(
        "delivery-slots",
        "What is taken of a slot is what plans and fetched returns have of it.",
        "SELECT delivery_method_id, start_time, coalesce(sum, 0) AS expected, coalesce(taken, 0) AS found
         FROM delivery_slots FULL JOIN (
             SELECT delivery_method_id, start_time, count(*) AS sum
             FROM (SELECT delivery_method_id, start_time FROM plan_slots WHERE start_time IS NOT NULL
                   UNION ALL
                   SELECT delivery_method_id, start_time FROM return_pickups WHERE NOT cancelled) AS one
             GROUP BY 1, 2) AS sums USING (delivery_method_id, start_time)
         WHERE coalesce(taken, 0) <> coalesce(sum, 0)",
    ),
    rows(
        "cash-on-delivery",
        "What a shop received of a parcel's cash is what was noted of it.",
        "SELECT shipment_id, coalesce(sum, 0) AS expected, coalesce(s.cash_received, 0) AS found
         FROM shipments s FULL JOIN (SELECT shipment_id, sum(amount) AS sum FROM cash_transfers GROUP BY 1) AS sums
              USING (shipment_id)
         WHERE coalesce(s.cash_received, 0) <> coalesce(sum, 0)",
    ),
    rows(
        "delivery-plan-events",
        "The newest event of a delivery plan has the plan's version and shop.",
        "SELECT p.delivery_plan_id, p.version || ' of ' || p.shop_id AS expected,
                coalesce(e.version || ' of ' || e.shop_id, 'none') AS found
         FROM delivery_plans p LEFT JOIN (
             SELECT DISTINCT ON (aggregate_id) aggregate_id, version, shop_id FROM event_log
             WHERE aggregate_id LIKE 'dlp\\_%' ORDER BY aggregate_id, version DESC
         ) AS e ON e.aggregate_id = 'dlp_' || replace(p.delivery_plan_id::text, '-', '')
         WHERE p.order_id IS NOT NULL
           AND CASE WHEN e.version IS NULL THEN (SELECT trimmed FROM event_stream) = 0
                    ELSE (p.version, p.shop_id) IS DISTINCT FROM (e.version, e.shop_id) END",
    ),
];

const fn rows(name: &'static str, says: &'static str, sql: &'static str) -> Check {
    Check::rows(DATABASE, name, says, sql)
}
