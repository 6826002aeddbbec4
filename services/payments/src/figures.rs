//! What operators see of payments.

use store::Figure;

pub const ALL: [Figure; 2] = [
    Figure {
        names: &["korob_outside_waiting", "korob_outside_overdue_seconds"],
        label: Some("what"),
        values: &["attempts", "refunds", "notifications", "receipts"],
        sql: "SELECT what, ARRAY[count(*), greatest(extract(epoch FROM $1 - min(due)), 0)]::float8[] FROM (
                  (SELECT 'attempts' AS what, next_ask_time AS due FROM payment_attempts
                   WHERE next_ask_time IS NOT NULL ORDER BY next_ask_time LIMIT 10000)
                  UNION ALL
                  (SELECT 'refunds', next_ask_time FROM refunds
                   WHERE next_ask_time IS NOT NULL ORDER BY next_ask_time LIMIT 10000)
                  UNION ALL
                  (SELECT 'notifications', next_try_time FROM provider_notifications
                   WHERE next_try_time IS NOT NULL ORDER BY next_try_time LIMIT 10000)
                  UNION ALL
                  (SELECT 'receipts', next_ask_time FROM receipts
                   WHERE next_ask_time IS NOT NULL ORDER BY next_ask_time LIMIT 10000)
              ) waiting GROUP BY what",
    },
    Figure {
        names: &["korob_webhooks_failed"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[count(*)]::float8[] FROM (
                  SELECT 1 FROM provider_notifications
                  WHERE state IN ('unmatched', 'failed') AND next_try_time IS NULL AND receive_time > $1 - interval '7 days'
                  LIMIT 10000
              ) failed",
    },
];
