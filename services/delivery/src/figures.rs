//! What operators see of parcels.

use store::Figure;

pub const ALL: [Figure; 3] = [
    Figure {
        names: &["korob_outside_waiting", "korob_outside_overdue_seconds"],
        label: Some("what"),
        values: &["parcels", "tracking", "webhooks"],
        sql: "SELECT what, ARRAY[count(*), greatest(extract(epoch FROM $1 - min(due)), 0)]::float8[] FROM (
                  (SELECT 'parcels' AS what, work_time AS due FROM shipments
                   WHERE work_time IS NOT NULL ORDER BY work_time LIMIT 10000)
                  UNION ALL
                  (SELECT 'tracking', poll_time FROM shipments
                   WHERE poll_time IS NOT NULL ORDER BY poll_time LIMIT 10000)
                  UNION ALL
                  (SELECT 'webhooks', work_time FROM carrier_webhooks
                   WHERE work_time IS NOT NULL ORDER BY work_time LIMIT 10000)
              ) waiting GROUP BY what",
    },
    Figure {
        names: &["korob_incidents_open", "korob_incidents_overdue"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[count(*), count(*) FILTER (WHERE due_time < $1)]::float8[] FROM (
                  SELECT due_time FROM incidents WHERE NOT closed ORDER BY due_time LIMIT 10000
              ) open",
    },
    Figure {
        names: &["korob_carrier_codes_unknown"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[count(*)]::float8[] FROM unmapped_codes",
    },
];
