//! Stock, what is short of it, and what goes wrong with parcels.

use super::{Dashboard, Look, Panel, Row};

pub const PAGE: Dashboard = Dashboard {
    name: "korob-stock",
    title: "Korob / Stock and shortages",
    says: "What is held, what was sold and is not there, and which parcels need somebody.",
    rows: &[NOW, STOCK, PARCELS],
};

const NOW: Row = Row {
    title: "Now",
    panels: &[
        Panel {
            title: "Open shortages",
            says: "Units that are sold and not there: each has an owner and a due time.",
            look: Look::Number,
            unit: "short",
            queries: &[("max(korob_shortages_open{@all})", "open")],
        },
        Panel {
            title: "Overdue shortages",
            says: "Past their due time.",
            look: Look::Alarm,
            unit: "short",
            queries: &[("max(korob_shortages_overdue{@all})", "overdue")],
        },
        Panel {
            title: "Open incidents",
            says: "Parcels that somebody has to look after.",
            look: Look::Number,
            unit: "short",
            queries: &[("max(korob_incidents_open{@all})", "open")],
        },
        Panel {
            title: "Overdue incidents",
            says: "Past their due time.",
            look: Look::Alarm,
            unit: "short",
            queries: &[("max(korob_incidents_overdue{@all})", "overdue")],
        },
    ],
};

const STOCK: Row = Row {
    title: "Stock",
    panels: &[
        Panel {
            title: "Events of stock",
            says: "What happened to stock, as its event log has it.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "max by (type) (rate(korob_events_told_total{@all,database=\"inventory\"}[$__rate_interval])) > 0",
                "{{type}}",
            )],
        },
        Panel {
            title: "Holding stock",
            says: "p50 and p99 of holding all lines of an order, and units that could not be held at all.",
            look: Look::Traced,
            unit: "s",
            queries: &[
                (
                    "histogram_quantile(0.5, sum by (le) (rate(korob_rpc_duration_seconds_bucket{@all,operation=\"inventory.reserve_stock\"}[$__rate_interval])))",
                    "p50",
                ),
                (
                    "histogram_quantile(0.99, sum by (le) (rate(korob_rpc_duration_seconds_bucket{@all,operation=\"inventory.reserve_stock\"}[$__rate_interval])))",
                    "p99",
                ),
            ],
        },
        Panel {
            title: "Shortages opened and ended",
            says: "Opened faster than covered is a warehouse that sells what it does not have.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "max by (type) (rate(korob_events_told_total{@all,type=~\"Shortage.+\"}[$__rate_interval]))",
                "{{type}}",
            )],
        },
        Panel {
            title: "Holds of carts and quotes",
            says: "They expire by themselves.",
            look: Look::Lines,
            unit: "short",
            queries: &[("max(korob_holds{@all})", "held")],
        },
    ],
};

const PARCELS: Row = Row {
    title: "Parcels",
    panels: &[
        Panel {
            title: "Events of parcels",
            says: "What happened to parcels, as their event log has it.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "max by (type) (rate(korob_events_told_total{@all,database=\"delivery\"}[$__rate_interval])) > 0",
                "{{type}}",
            )],
        },
        Panel {
            title: "Waiting for carriers",
            says: "Parcels to book or cancel, to ask about, and webhooks to apply.",
            look: Look::Lines,
            unit: "short",
            queries: &[("max by (what) (korob_outside_waiting{@all,database=\"delivery\"})", "{{what}}")],
        },
        Panel {
            title: "Unknown codes of carriers",
            says: "Statuses that nobody has explained yet: parcels with them look unmoved.",
            look: Look::Lines,
            unit: "short",
            queries: &[("max(korob_carrier_codes_unknown{@all})", "codes")],
        },
    ],
};
