//! What operators see of stock.

use store::Figure;

pub const ALL: [Figure; 2] = [
    Figure {
        names: &["korob_shortages_open", "korob_shortages_overdue"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[count(*), count(*) FILTER (WHERE due_time < $1)]::float8[] FROM (
                  SELECT due_time FROM shortages WHERE state = 'open' ORDER BY due_time LIMIT 10000
              ) open",
    },
    Figure {
        names: &["korob_holds"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[count(*)]::float8[] FROM (
                  SELECT 1 FROM reservations WHERE state = 'held' AND expire_time > $1 LIMIT 10000
              ) held",
    },
];
