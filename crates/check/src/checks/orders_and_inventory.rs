//! What orders believe is held for them, beside what inventory holds.

use std::collections::BTreeMap;

use crate::check::{Check, Look};
use crate::pairs::{Pair, Side, same_where_both};

pub(super) const CHECKS: &[Check] = &[
    pair(
        "order-reservations",
        "Inventory holds for an order what its lines say is reserved, and for nothing else.",
        Pair {
            // Units of live reservations, {} when none is live.
            book: Side {
                database: "inventory",
                sql: "SELECT one.order_id::text AS order_id,
                             coalesce(jsonb_object_agg(sku, units) FILTER (WHERE sku IS NOT NULL), '{}')::text
                      FROM (SELECT substr(r.owner, 5)::uuid AS order_id, l.sku, sum(l.quantity) AS units
                            FROM reservations r LEFT JOIN reservation_lines l
                                 ON l.reservation_id = r.reservation_id AND r.state = 'held'
                            WHERE r.owner LIKE 'ord\\_%' GROUP BY 1, 2) AS one
                      GROUP BY one.order_id ORDER BY one.order_id",
            },
            // A quote may hold what its order will want. Of kits the components are held one by one.
            copy: Side {
                database: "orders",
                sql: "SELECT order_id, value
                      FROM (SELECT o.order_id::text AS order_id,
                                   CASE WHEN o.state = 'placing' THEN 'placing' WHEN o.reservation_id IS NULL THEN 'none'
                                        ELSE CASE WHEN l.kits THEN 'at least ' ELSE '' END || coalesce(l.units, '{}') END AS value
                            FROM orders o LEFT JOIN (
                                SELECT order_id, bool_or(kits) AS kits,
                                       (jsonb_object_agg(sku, units) FILTER (WHERE units > 0))::text AS units
                                FROM (SELECT line.order_id, coalesce(part->>'sku', line.sku) AS sku,
                                             bool_or(part IS NOT NULL) AS kits,
                                             sum(line.reserved * coalesce((part->>'quantity')::bigint, 1)) AS units
                                      FROM order_lines line
                                           LEFT JOIN LATERAL jsonb_array_elements(line.components) AS part ON true
                                      GROUP BY 1, 2) AS one
                                GROUP BY order_id) AS l USING (order_id)
                            UNION ALL
                            SELECT q.order_id::text, 'quoted' FROM quotes q LEFT JOIN orders o USING (order_id)
                            WHERE o.order_id IS NULL) AS owner
                      ORDER BY order_id COLLATE \"C\"",
            },
            agree: holds_what_is_promised,
        },
    ),
    pair(
        "sold-and-not-held",
        "What an order has sold and does not hold is an open shortage, which somebody covers.",
        Pair {
            // Units that live reservations lack.
            book: Side {
                database: "inventory",
                sql: "SELECT one.order_id::text AS order_id,
                             coalesce(jsonb_object_agg(sku, units) FILTER (WHERE sku IS NOT NULL), '{}')::text
                      FROM (SELECT substr(r.owner, 5)::uuid AS order_id, s.sku, sum(s.missing) AS units
                            FROM reservations r LEFT JOIN shortages s
                                 ON s.reservation_id = r.reservation_id AND s.state = 'open'
                            WHERE r.owner LIKE 'ord\\_%' AND r.state = 'held' GROUP BY 1, 2) AS one
                      GROUP BY one.order_id ORDER BY one.order_id",
            },
            // Of goods that the catalog knows. A kit that is not held may lack one component and hold the others.
            copy: Side {
                database: "orders",
                sql: "SELECT one.order_id::text AS order_id, jsonb_object_agg(sku, units)::text
                      FROM (SELECT line.order_id, line.sku,
                                   sum(line.ordered - line.reserved - line.shipped - line.cancelled) AS units
                            FROM orders JOIN order_lines line USING (order_id)
                            WHERE orders.state IN ('new', 'approval', 'assembling') AND line.kind = 'goods'
                              AND line.variant_id IS NOT NULL AND line.components IS NULL
                            GROUP BY 1, 2) AS one
                      WHERE units > 0 GROUP BY one.order_id ORDER BY one.order_id",
            },
            agree: lacks_what_is_missing,
        },
    ),
    pair(
        "order-stock-left",
        "No more units left the stock for an order than its lines say were shipped.",
        Pair {
            book: Side {
                database: "orders",
                sql: "SELECT one.order_id::text AS order_id, jsonb_object_agg(sku, units)::text
                      FROM (SELECT line.order_id, coalesce(part->>'sku', line.sku) AS sku,
                                   sum(line.shipped * coalesce((part->>'quantity')::bigint, 1)) AS units
                            FROM order_lines line LEFT JOIN LATERAL jsonb_array_elements(line.components) AS part ON true
                            WHERE line.shipped > 0 GROUP BY 1, 2) AS one
                      GROUP BY one.order_id ORDER BY one.order_id",
            },
            copy: Side {
                database: "inventory",
                sql: "SELECT one.order_id::text AS order_id, jsonb_object_agg(sku, units)::text
                      FROM (SELECT substr(r.owner, 5)::uuid AS order_id, s.sku, sum(s.quantity) AS units
                            FROM reservation_shipments s JOIN reservations r USING (reservation_id)
                            WHERE r.owner LIKE 'ord\\_%' GROUP BY 1, 2) AS one
                      GROUP BY one.order_id ORDER BY one.order_id",
            },
            agree: left_is_shipped,
        },
    ),
    pair(
        "reservation-shops",
        "A reservation is of the shop of its order.",
        Pair {
            book: Side {
                database: "orders",
                sql: "SELECT order_id::text AS order_id, shop_id::text FROM orders ORDER BY orders.order_id",
            },
            copy: Side {
                database: "inventory",
                sql: "SELECT substr(owner, 5)::uuid::text AS order_id, shop_id::text, reservation_id::text AS reservation_id
                      FROM reservations WHERE owner LIKE 'ord\\_%' ORDER BY substr(owner, 5)::uuid",
            },
            agree: same_where_both,
        },
    ),
];

const fn pair(name: &'static str, says: &'static str, pair: Pair) -> Check {
    Check::looking(name, says, Look::Pair(pair))
}

type Units = BTreeMap<String, i64>;

fn units(text: &str) -> Units {
    serde_json::from_str(text).unwrap_or_default()
}

/// `held` are units; `promised` are units, at least so many, or why there is nothing to compare.
fn holds_what_is_promised(held: Option<&str>, promised: Option<&str>) -> bool {
    match (held, promised) {
        (_, Some("placing" | "quoted")) => true,
        // Nothing is promised: nothing may be held.
        (held, None | Some("none")) => held.is_none_or(|held| units(held).is_empty()),
        // A reservation is there, even when it holds nothing any more.
        (None, Some(_)) => false,
        (Some(held), Some(promised)) => match promised.strip_prefix("at least ") {
            Some(promised) => covers(&units(held), &units(promised)),
            None => units(held) == units(promised),
        },
    }
}

/// `lacked` are units of open shortages; `missing` those that were sold and are neither held nor gone.
fn lacks_what_is_missing(lacked: Option<&str>, missing: Option<&str>) -> bool {
    covers(&lacked.map(units).unwrap_or_default(), &missing.map(units).unwrap_or_default())
}

fn left_is_shipped(shipped: Option<&str>, left: Option<&str>) -> bool {
    covers(&shipped.map(units).unwrap_or_default(), &left.map(units).unwrap_or_default())
}

/// Whether there is at least as much of everything.
fn covers(there: &Units, wanted: &Units) -> bool {
    wanted.iter().all(|(sku, units)| there.get(sku).copied().unwrap_or(0) >= *units)
}
