//! What payments says of itself: captures, refunds, the double entry.

use crate::check::Check;

const DATABASE: &str = "payments";

pub(super) const CHECKS: &[Check] = &[
    rows(
        "payment-captured-once",
        "A payment by card is captured at most once.",
        "SELECT payment_id, 1 AS expected, count(*) AS found FROM payment_attempts
         WHERE account_id IS NOT NULL AND outcome = 'succeeded' GROUP BY payment_id HAVING count(*) > 1",
    ),
    rows(
        "payment-bounds",
        "Refunded is at most captured, captured at most authorized and at most the amount.",
        "SELECT payment_id, 'refunded <= captured <= authorized (cards) and amount' AS expected,
                concat_ws(' ', refunded, captured, authorized, amount) AS found
         FROM payments
         WHERE least(refunded, captured, authorized, amount) < 0 OR refunded > captured OR captured > amount
            OR method = 'card' AND captured > authorized",
    ),
    rows(
        "payment-captures",
        "What a payment has captured is what its attempts took.",
        "SELECT p.payment_id, coalesce(sum(a.captured), 0) AS expected, min(p.captured) AS found
         FROM payments p LEFT JOIN payment_attempts a USING (payment_id)
         GROUP BY p.payment_id HAVING coalesce(sum(a.captured), 0) <> min(p.captured)",
    ),
    rows(
        "payment-refunds",
        "What a payment gave back or owes back is the sum of its refunds.",
        "SELECT p.payment_id, coalesce(sum(r.amount), 0) AS expected, min(p.refunded) AS found
         FROM payments p LEFT JOIN refunds r
              ON r.payment_id = p.payment_id AND r.state <> 'failed' AND NOT r.surplus
         GROUP BY p.payment_id HAVING coalesce(sum(r.amount), 0) <> min(p.refunded)",
    ),
    rows(
        "payment-states",
        "A payment that succeeded is paid in full, a cancelled one keeps nothing.",
        "SELECT payment_id, CASE state WHEN 'canceled' THEN refunded ELSE amount END AS expected, captured AS found
         FROM payments WHERE state = 'canceled' AND captured <> refunded OR state = 'succeeded' AND captured <> amount",
    ),
    rows(
        "ledger-balance",
        "Debits equal credits, per currency.",
        "SELECT currency, sum(debit) AS expected, sum(credit) AS found FROM ledger_entries
         GROUP BY currency HAVING sum(debit) <> sum(credit)",
    ),
    rows(
        "ledger-postings",
        "Debits equal credits in every posting.",
        "SELECT posting_id, currency, sum(debit) AS expected, sum(credit) AS found FROM ledger_entries
         GROUP BY posting_id, currency HAVING sum(debit) <> sum(credit)",
    ),
    rows(
        "ledger-money",
        "What the ledger holds in cash, at the bank and at acquirers is what was captured and came beside, less what went back.",
        "SELECT p.payment_id, p.captured + coalesce(r.beside, 0) - coalesce(r.gone, 0) AS expected, coalesce(l.held, 0) AS found
         FROM payments p
         LEFT JOIN (SELECT payment_id, sum(amount) FILTER (WHERE surplus) AS beside,
                           sum(amount) FILTER (WHERE state = 'succeeded') AS gone FROM refunds GROUP BY 1) AS r USING (payment_id)
         LEFT JOIN (SELECT payment_id, sum(debit - credit) AS held FROM ledger_entries
                    WHERE account IN ('cash_on_delivery', 'bank', 'acquirer') GROUP BY 1) AS l USING (payment_id)
         WHERE coalesce(l.held, 0) <> p.captured + coalesce(r.beside, 0) - coalesce(r.gone, 0)",
    ),
    rows(
        "ledger-debts",
        "What buyers owe by the ledger is what is still to be paid.",
        "SELECT p.payment_id, CASE p.state WHEN 'canceled' THEN 0 ELSE p.amount - p.captured END AS expected,
                coalesce(l.owed, 0) AS found
         FROM payments p
         LEFT JOIN (SELECT payment_id, sum(debit - credit) AS owed FROM ledger_entries
                    WHERE account = 'receivable' GROUP BY 1) AS l USING (payment_id)
         WHERE coalesce(l.owed, 0) <> CASE p.state WHEN 'canceled' THEN 0 ELSE p.amount - p.captured END",
    ),
    rows(
        "ledger-owners",
        "Every entry is of a payment that is there, and of its order, shop and currency.",
        "SELECT l.sequence, l.payment_id, concat_ws(' ', p.order_id, p.shop_id, p.currency) AS expected,
                concat_ws(' ', l.order_id, l.shop_id, l.currency) AS found
         FROM ledger_entries l LEFT JOIN payments p USING (payment_id)
         WHERE (l.order_id, l.shop_id, l.currency) IS DISTINCT FROM (p.order_id, p.shop_id, p.currency)",
    ),
    rows(
        "receipt-shops",
        "A fiscal receipt is of the order and the shop of its payment.",
        "SELECT r.receipt_id, r.payment_id, concat_ws(' ', p.order_id, p.shop_id) AS expected,
                concat_ws(' ', r.order_id, r.shop_id) AS found
         FROM receipts r LEFT JOIN payments p USING (payment_id)
         WHERE (r.order_id, r.shop_id) IS DISTINCT FROM (p.order_id, p.shop_id)",
    ),
    rows(
        "payment-events",
        "The newest event of a payment has the payment's version and shop.",
        "SELECT p.payment_id, p.version || ' of ' || p.shop_id AS expected, coalesce(e.version || ' of ' || e.shop_id, 'none') AS found
         FROM payments p LEFT JOIN (
             SELECT DISTINCT ON (aggregate_id) aggregate_id, version, shop_id FROM event_log
             WHERE aggregate_id LIKE 'pay\\_%' ORDER BY aggregate_id, version DESC
         ) AS e ON e.aggregate_id = 'pay_' || replace(p.payment_id::text, '-', '')
         WHERE p.order_id IS NOT NULL
           AND CASE WHEN e.version IS NULL THEN (SELECT trimmed FROM event_stream) = 0
                    ELSE (p.version, p.shop_id) IS DISTINCT FROM (e.version, e.shop_id) END",
    ),
];

const fn rows(name: &'static str, says: &'static str, sql: &'static str) -> Check {
    Check::rows(DATABASE, name, says, sql)
}
