//! What operators see of sagas.

use store::Figure;

/// Sagas that have not ended, by kind; a service that has some names its kinds in [`Figure::values`]. One is overdue when
/// nobody has worked on it for a minute: its process is gone, and no other one has taken it over.
pub const FIGURE: Figure = Figure {
    names: &["korob_sagas_open", "korob_sagas_overdue", "korob_saga_oldest_seconds"],
    label: Some("saga"),
    values: &[],
    sql: "SELECT kind, ARRAY[
              count(*),
              count(*) FILTER (WHERE lease_until < $1 - interval '60 seconds'),
              greatest(extract(epoch FROM $1 - min(create_time)), 0)
          ]::float8[]
          FROM sagas WHERE state IN ('running', 'unwinding') GROUP BY kind",
};
