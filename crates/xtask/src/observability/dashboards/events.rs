//! Events between services, what partners are told, and what the outside tells.

use super::{Dashboard, Look, Panel, Row};

pub const PAGE: Dashboard = Dashboard {
    name: "korob-events",
    title: "Korob / Events and webhooks",
    says: "Whether the services know of each other's changes, whether partners are told of them, and whether what comes from outside is applied.",
    rows: &[NOW, EVENTS, PARTNERS, OUTSIDE],
};

const NOW: Row = Row {
    title: "Now",
    panels: &[
        Panel {
            title: "Oldest waiting event",
            says: "How far the slowest subscription is behind.",
            look: Look::Number,
            unit: "s",
            queries: &[("max(korob_events_oldest_waiting_seconds{@consumer})", "behind")],
        },
        Panel {
            title: "Stopped",
            says: "Subscriptions that cannot go on at all.",
            look: Look::Alarm,
            unit: "short",
            queries: &[("sum(max by (consumer) (korob_events_stopped{@consumer}))", "stopped")],
        },
        Panel {
            title: "Parked",
            says: "Events that could not be applied, and those of the same aggregate behind them.",
            look: Look::Alarm,
            unit: "short",
            queries: &[("sum(max by (consumer) (korob_events_parked{@consumer}))", "parked")],
        },
        Panel {
            title: "Given up",
            says: "Those that wait for an operator.",
            look: Look::Alarm,
            unit: "short",
            queries: &[("sum(max by (consumer) (korob_events_given_up{@consumer}))", "given up")],
        },
    ],
};

const EVENTS: Row = Row {
    title: "Events",
    panels: &[
        Panel {
            title: "Told",
            says: "Events that each service adds to its log.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "max by (database) (deriv(korob_events_log_position{@database}[5m]))",
                "{{database}}",
            )],
        },
        Panel {
            title: "Applied",
            says: "Events that each subscription has applied.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "sum by (consumer) (rate(korob_events_applied_total{@consumer}[$__rate_interval]))",
                "{{consumer}}",
            )],
        },
        Panel {
            title: "Waiting",
            says: "Events of its types that a subscription has not seen; 500 stand for as many or more.",
            look: Look::Lines,
            unit: "short",
            queries: &[("max by (consumer) (korob_events_waiting{@consumer})", "{{consumer}}")],
        },
        Panel {
            title: "Age when applied, p99",
            says: "From told to applied.",
            look: Look::Lines,
            unit: "s",
            queries: &[(
                "histogram_quantile(0.99, sum by (consumer, le) (rate(korob_events_lag_seconds_bucket{@consumer}[$__rate_interval])))",
                "{{consumer}}",
            )],
        },
    ],
};

const PARTNERS: Row = Row {
    title: "Webhooks to partners",
    panels: &[
        Panel {
            title: "Attempts",
            says: "By outcome: what was refused or not answered is tried again.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "sum by (outcome) (rate(korob_webhook_attempts_total{@all}[$__rate_interval]))",
                "{{outcome}}",
            )],
        },
        Panel {
            title: "Answered within, p99",
            says: "What endpoints take to answer; more than 5 s counts as no answer.",
            look: Look::Lines,
            unit: "s",
            queries: &[(
                "histogram_quantile(0.99, sum by (le) (rate(korob_webhook_attempt_duration_seconds_bucket{@all}[$__rate_interval])))",
                "p99",
            )],
        },
        Panel {
            title: "Waiting",
            says: "Events to be sent or tried again, those that were given up, and endpoints that take nothing.",
            look: Look::Lines,
            unit: "short",
            queries: &[
                ("max(korob_webhooks_waiting{@all})", "waiting"),
                ("max(korob_webhooks_dead{@all})", "given up"),
                ("max(korob_webhook_endpoints_failing{@all})", "endpoints failing"),
            ],
        },
        Panel {
            title: "Overdue",
            says: "Age of the oldest next event of an endpoint that is enabled.",
            look: Look::Lines,
            unit: "s",
            queries: &[("max(korob_webhooks_overdue_seconds{@all})", "overdue")],
        },
    ],
};

const OUTSIDE: Row = Row {
    title: "Webhooks and answers from outside",
    panels: &[
        Panel {
            title: "Webhooks received",
            says: "By status: 200 is genuine and kept, 4xx is refused.",
            look: Look::Lines,
            unit: "reqps",
            queries: &[(
                "sum by (route, status) (rate(korob_http_request_duration_seconds_count{@all,route=~\"/v1/webhooks/.+\"}[$__rate_interval]))",
                "{{route}} {{status}}",
            )],
        },
        Panel {
            title: "Waiting",
            says: "Charges, refunds, receipts and parcels whose outcome is asked for, and webhooks to be applied.",
            look: Look::Lines,
            unit: "short",
            queries: &[(
                "max by (database, what) (korob_outside_waiting{@database})",
                "{{database}} {{what}}",
            )],
        },
        Panel {
            title: "Overdue",
            says: "For how long the first of them should have been looked at: more than seconds means that nobody looks.",
            look: Look::Lines,
            unit: "s",
            queries: &[(
                "max by (database, what) (korob_outside_overdue_seconds{@database})",
                "{{database}} {{what}}",
            )],
        },
        Panel {
            title: "Webhooks given up",
            says: "Of payment providers, in a week: unreadable, or of payments that are not ours.",
            look: Look::Lines,
            unit: "short",
            queries: &[("max(korob_webhooks_failed{@all})", "given up")],
        },
    ],
};
