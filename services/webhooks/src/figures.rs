//! What operators see of webhooks.

use store::Figure;

pub(crate) const ALL: [Figure; 2] = [
    Figure {
        names: &["korob_webhooks_waiting", "korob_webhooks_overdue_seconds", "korob_webhooks_dead"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[
                  (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries WHERE state = 'pending' LIMIT 10000) AS waiting),
                  (SELECT coalesce(max(greatest(extract(epoch FROM $1 - oldest.create_time), 0)), 0) FROM webhook_endpoints AS e
                   CROSS JOIN LATERAL (SELECT d.create_time FROM webhook_deliveries AS d
                                       WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending'
                                       ORDER BY d.next_attempt_time LIMIT 1) AS oldest
                   WHERE e.state = 'enabled'),
                  (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries WHERE state = 'dead' LIMIT 10000) AS dead)
              ]::float8[]",
    },
    Figure {
        names: &["korob_webhook_endpoints", "korob_webhook_endpoints_failing"],
        label: Some("state"),
        values: &["enabled", "disabled"],
        sql: "SELECT state, ARRAY[count(*), count(*) FILTER (WHERE failing_since IS NOT NULL)]::float8[]
              FROM webhook_endpoints WHERE state <> 'deleted' GROUP BY state",
    },
];
