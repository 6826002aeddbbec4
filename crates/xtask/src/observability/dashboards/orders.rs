//! Orders, and the processes that place and change them.

use super::{Dashboard, Look, Panel, Row};

pub const PAGE: Dashboard = Dashboard {
    name: "korob-orders",
    title: "Korob / Orders and sagas",
    says: "What becomes of orders, how long each step takes, and what does not come to an end.",
    rows: &[NOW, PLACING, SAGAS],
};

const NOW: Row = Row {
    title: "Now",
    panels: &[
        Panel {
            title: "Undecided",
            says: "Orders that are recorded and neither placed nor rejected after a minute.",
            look: Look::Alarm,
            unit: "short",
            queries: &[("max(korob_orders_placing{@all})", "undecided")],
        },
        Panel {
            title: "Oldest undecided",
            says: "Age of the oldest order that is not decided.",
            look: Look::Number,
            unit: "s",
            queries: &[("max(korob_orders_placing_oldest_seconds{@all})", "age")],
        },
        Panel {
            title: "Without customer",
            says: "Orders whose buyer will be identified later; they are placed all the same.",
            look: Look::Number,
            unit: "short",
            queries: &[("max(korob_orders_without_customer{@all})", "orders")],
        },
        Panel {
            title: "Should have left",
            says: "Orders past the time by which the marketplace or the shop wants them to leave.",
            look: Look::Number,
            unit: "short",
            queries: &[("max(korob_shipments_late{@all})", "late")],
        },
    ],
};

const PLACING: Row = Row {
    title: "Placing",
    panels: &[
        Panel {
            title: "Events of orders",
            says: "What happened to orders, as their event log has it.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "max by (type) (rate(korob_events_told_total{@all,database=\"orders\"}[$__rate_interval])) > 0",
                "{{type}}",
            )],
        },
        Panel {
            title: "Rejected by reason",
            says: "Why orders could not be held: nothing of them is left anywhere.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "sum by (reason) (rate(korob_sagas_undone_total{@all,saga=\"place_order\"}[$__rate_interval]))",
                "{{reason}}",
            )],
        },
        Panel {
            title: "Steps of placing, p99",
            says: "Stock is held and delivery planned at the same time.",
            look: Look::Lines,
            unit: "s",
            queries: &[(
                "histogram_quantile(0.99, sum by (step, le) (rate(korob_saga_step_duration_seconds_bucket{@all,saga=\"place_order\"}[$__rate_interval])))",
                "{{step}}",
            )],
        },
        Panel {
            title: "Orders per commit",
            says: "Requests that share one flush of the disk, by batcher: larger under load.",
            look: Look::Lines,
            unit: "short",
            queries: &[(
                "sum by (batcher) (rate(korob_batch_size_sum{@all}[$__rate_interval])) / sum by (batcher) (rate(korob_batch_size_count{@all}[$__rate_interval]))",
                "{{batcher}}",
            )],
        },
    ],
};

const SAGAS: Row = Row {
    title: "Sagas",
    panels: &[
        Panel {
            title: "Open",
            says: "Processes that have not ended, by kind.",
            look: Look::Lines,
            unit: "short",
            queries: &[("max by (saga) (korob_sagas_open{@all})", "{{saga}}")],
        },
        Panel {
            title: "Overdue, and oldest",
            says: "Nobody works on an overdue one; an old one is worked on and does not come through.",
            look: Look::Lines,
            unit: "short",
            queries: &[
                ("max by (saga) (korob_sagas_overdue{@all})", "overdue: {{saga}}"),
                ("max by (saga) (korob_saga_oldest_seconds{@all})", "oldest, s: {{saga}}"),
            ],
        },
        Panel {
            title: "Duration, p99",
            says: "From taken up to ended.",
            look: Look::Lines,
            unit: "s",
            queries: &[(
                "histogram_quantile(0.99, sum by (saga, outcome, le) (rate(korob_saga_duration_seconds_bucket{@all}[$__rate_interval])))",
                "{{saga}} {{outcome}}",
            )],
        },
        Panel {
            title: "Tried again, taken over",
            says: "Attempts without an outcome, and sagas that another process has left.",
            look: Look::Lines,
            unit: "ops",
            queries: &[
                ("sum by (saga) (rate(korob_saga_retries_total{@all}[$__rate_interval]))", "again: {{saga}}"),
                (
                    "sum by (saga) (rate(korob_sagas_recovered_total{@all}[$__rate_interval]))",
                    "taken over: {{saga}}",
                ),
            ],
        },
    ],
};
