//! What orders believe was paid for them, beside what payments knows.

use crate::check::{Check, Look};
use crate::pairs::{Pair, Side, in_book, same_where_both};

pub(super) const CHECKS: &[Check] = &[
    pair(
        "order-payments",
        "Every payment of an order is there, of that order, and took and gave back what the order says.",
        Pair {
            // Orders hear of a refund when it has arrived.
            book: Side {
                database: "payments",
                sql: "SELECT p.payment_id::text AS payment_id,
                             concat_ws(' ', 'order', p.order_id, p.currency, 'paid', p.captured,
                                       'refunded', p.refunded - coalesce(r.pending, 0), 'to', p.refunded)
                      FROM payments p LEFT JOIN (
                          SELECT payment_id, sum(amount) AS pending FROM refunds
                          WHERE state = 'pending' AND NOT surplus GROUP BY 1) AS r USING (payment_id)
                      WHERE p.order_id IS NOT NULL ORDER BY p.payment_id",
            },
            copy: Side {
                database: "orders",
                sql: "SELECT payment_id::text AS payment_id, value, order_id::text AS order_id
                      FROM (SELECT (one->>'payment_id')::uuid AS payment_id, o.order_id,
                                   concat_ws(' ', 'order', o.order_id, o.currency, 'paid', one->>'paid', 'refunded', one->>'refunded')
                                   AS value
                            FROM order_progress p JOIN orders o USING (order_id), jsonb_array_elements(p.payments) AS one
                            UNION ALL
                            SELECT o.payment_id, o.order_id,
                                   concat_ws(' ', 'order', o.order_id, o.currency, 'paid', o.paid, 'refunded', o.refunded)
                            FROM orders o LEFT JOIN order_progress p USING (order_id)
                            WHERE o.payment_id IS NOT NULL AND coalesce(p.payments, '[]') = '[]') AS known
                      ORDER BY known.payment_id",
            },
            agree: knows_what_was_paid,
        },
    ),
    pair(
        "payment-orders",
        "A payment that is not given up is of an order that is there and was not.",
        Pair {
            book: Side {
                database: "orders",
                sql: "SELECT order_id::text AS order_id,
                             CASE WHEN state IN ('cancelled', 'rejected') THEN state ELSE 'wanted' END
                      FROM orders ORDER BY orders.order_id",
            },
            copy: Side {
                database: "payments",
                sql: "SELECT order_id::text AS order_id, 'wanted', payment_id::text AS payment_id FROM payments
                      WHERE order_id IS NOT NULL AND state <> 'canceled' ORDER BY payments.order_id",
            },
            agree: in_book,
        },
    ),
    pair(
        "order-payments-given-up",
        "Of an order that lives no payment is given up unless the others cover what the order costs.",
        Pair {
            // An edit gives up what is not needed any more; an order that is being changed is left to the check of its saga.
            book: Side {
                database: "orders",
                sql: "SELECT order_id::text AS order_id, (o.total - coalesce(p.returned_total, 0))::text
                      FROM orders o LEFT JOIN order_progress p USING (order_id)
                      WHERE o.state NOT IN ('placing', 'rejected', 'cancelled') AND o.cancelling IS NULL AND p.editing IS NULL
                      ORDER BY o.order_id",
            },
            copy: Side {
                database: "payments",
                // What was taken by one that was given up and could not be given back counts.
                sql: "SELECT order_id::text AS order_id,
                             sum(CASE state WHEN 'canceled' THEN captured - refunded ELSE amount END)::text
                      FROM payments WHERE order_id IS NOT NULL
                      GROUP BY payments.order_id HAVING bool_or(state = 'canceled') ORDER BY payments.order_id",
            },
            agree: covers,
        },
    ),
    pair(
        "payment-shops",
        "A payment is of the shop of its order.",
        Pair {
            book: Side {
                database: "orders",
                sql: "SELECT order_id::text AS order_id, shop_id::text FROM orders ORDER BY orders.order_id",
            },
            copy: Side {
                database: "payments",
                sql: "SELECT order_id::text AS order_id, shop_id::text, payment_id::text AS payment_id FROM payments
                      WHERE order_id IS NOT NULL ORDER BY payments.order_id",
            },
            agree: same_where_both,
        },
    ),
];

const fn pair(name: &'static str, says: &'static str, pair: Pair) -> Check {
    Check::looking(name, says, Look::Pair(pair))
}

/// `… refunded 0 to 100` is what payments knows, `… refunded 50` what the order does.
fn knows_what_was_paid(book: Option<&str>, copy: Option<&str>) -> bool {
    let Some(copy) = copy else { return true };
    let Some((book, copy)) = book.and_then(|book| Some((read(book)?, read(copy)?))) else { return false };
    book.paid == copy.paid && (book.refunded.0..=book.refunded.1).contains(&copy.refunded.0)
}

/// What is paid or can be is what the order costs, or more; in minor units.
fn covers(book: Option<&str>, copy: Option<&str>) -> bool {
    let minor = |text: &str| text.parse::<i64>().ok();
    let Some((book, copy)) = book.zip(copy) else { return true };
    minor(book).zip(minor(copy)).is_some_and(|(costs, open)| open >= costs)
}

struct Paid<'a> {
    paid: &'a str,
    refunded: (i64, i64),
}

fn read(text: &str) -> Option<Paid<'_>> {
    let (paid, refunded) = text.split_once(" refunded ")?;
    let (least, most) = refunded.split_once(" to ").unwrap_or((refunded, refunded));
    Some(Paid { paid, refunded: (least.parse().ok()?, most.parse().ok()?) })
}
