//! What customers counts, beside itself and beside the orders.

use crate::check::{Check, Look};
use crate::pairs::{Pair, Side, in_book, same};

pub(super) const CHECKS: &[Check] = &[
    Check::rows(
        "customers",
        "customer-counters",
        "A customer's counters are the sums of his purchases, per shop and currency.",
        "SELECT customer_id, shop_id, currency, coalesce(orders, 0) || ' orders of ' || coalesce(sum, 0) AS expected,
                coalesce(order_count, 0) || ' orders of ' || coalesce(total, 0) AS found
         FROM purchase_totals FULL JOIN (
             SELECT customer_id, shop_id, currency, count(*) AS orders, sum(total) AS sum FROM purchases
             WHERE counted AND customer_id IS NOT NULL GROUP BY 1, 2, 3
         ) AS sums USING (customer_id, shop_id, currency)
         WHERE (coalesce(order_count, 0), coalesce(total, 0)) <> (coalesce(orders, 0), coalesce(sum, 0))",
    ),
    Check::rows(
        "customers",
        "customer-identities",
        "A customer's card has a phone or an e-mail, and every phone and e-mail a card.",
        "SELECT coalesce(c.customer_id, i.customer_id) AS customer_id, 'a card and an identity' AS expected,
                CASE WHEN c.customer_id IS NULL THEN 'no card' ELSE 'no identity' END AS found
         FROM customers c FULL JOIN customer_identities i ON i.customer_id = c.customer_id
         WHERE c.customer_id IS NULL OR i.customer_id IS NULL",
    ),
    pair(
        "customer-purchases",
        "Every order that was told is counted as it is: version, customer, shop, and total while it is a purchase.",
        Pair {
            book: Side {
                database: "orders",
                sql: "SELECT order_id::text AS order_id,
                             concat_ws(' ', 'version', version, 'customer', coalesce(customer_id::text, 'none'), 'shop', shop_id,
                                       CASE WHEN state IN ('new', 'approval', 'assembling', 'delivery', 'complete')
                                            THEN total || ' ' || currency ELSE 'not counted' END)
                      FROM orders WHERE version > 0 ORDER BY orders.order_id",
            },
            copy: Side {
                database: "customers",
                sql: "SELECT order_id::text AS order_id,
                             concat_ws(' ', 'version', version, 'customer', coalesce(customer_id::text, 'none'), 'shop', shop_id,
                                       CASE WHEN counted THEN total || ' ' || currency ELSE 'not counted' END)
                      FROM purchases ORDER BY purchases.order_id",
            },
            agree: same,
        },
    ),
    pair(
        "order-customers",
        "The customer of an order has a card, which the shop of the order has seen.",
        Pair {
            book: Side {
                database: "customers",
                sql: "SELECT s.customer_id || ' ' || s.shop_id AS customer_and_shop, 'seen'
                      FROM customer_shops s JOIN customers USING (customer_id) ORDER BY s.customer_id, s.shop_id",
            },
            copy: Side {
                database: "orders",
                sql: "SELECT customer_id || ' ' || shop_id AS customer_and_shop, 'seen', min(order_id::text) AS order_id
                      FROM orders WHERE customer_id IS NOT NULL
                      GROUP BY customer_id, shop_id ORDER BY customer_id, shop_id",
            },
            agree: in_book,
        },
    ),
];

const fn pair(name: &'static str, says: &'static str, pair: Pair) -> Check {
    Check::looking(name, says, Look::Pair(pair))
}
