//! Is all well: traffic, errors, durations and saturation, on one page.

use super::{Dashboard, Look, Panel, Row};

pub const PAGE: Dashboard = Dashboard {
    name: "korob-overview",
    title: "Korob / Overview",
    says: "The four golden signals of an installation. Begin here.",
    rows: &[NOW, TRAFFIC, ERRORS, DURATIONS, SATURATION],
};

const NOW: Row = Row {
    title: "Now",
    panels: &[
        Panel {
            title: "Orders placed",
            says: "As the event log has them; every replica sees all, so the largest counts.",
            look: Look::Number,
            unit: "ops",
            queries: &[("max(rate(korob_events_told_total{@all,type=\"OrderPlaced\"}[5m]))", "placed")],
        },
        Panel {
            title: "Requests that failed",
            says: "The part of answers with a status of 500 or more.",
            look: Look::Alarm,
            unit: "percentunit",
            queries: &[(
                "(sum(rate(korob_http_request_duration_seconds_count{@all,status=~\"5..\"}[5m])) or vector(0)) \
                 / sum(rate(korob_http_request_duration_seconds_count{@all}[5m]))",
                "failed",
            )],
        },
        Panel {
            title: "Services not ready",
            says: "Ready is a service whose database answers and that does not drain.",
            look: Look::Alarm,
            unit: "short",
            queries: &[("count(max by (at) (korob_serving{@all}) == 0) or vector(0)", "not ready")],
        },
        Panel {
            title: "Alerts",
            says: "Alerts of this suite that fire.",
            look: Look::Alarm,
            unit: "short",
            queries: &[(
                "count(ALERTS{@all,alertname=~\"Korob.+\",alertstate=\"firing\"}) or vector(0)",
                "firing",
            )],
        },
    ],
};

const TRAFFIC: Row = Row {
    title: "Traffic",
    panels: &[
        Panel {
            title: "Requests by route",
            says: "The ten busiest routes of the gateway.",
            look: Look::Lines,
            unit: "reqps",
            queries: &[(
                "topk(10, sum by (method, route) (rate(korob_http_request_duration_seconds_count{@all}[$__rate_interval])))",
                "{{method}} {{route}}",
            )],
        },
        Panel {
            title: "Calls by operation",
            says: "The ten busiest operations of the chosen services, called by the gateway or by each other.",
            look: Look::Lines,
            unit: "reqps",
            queries: &[(
                "topk(10, sum by (operation) (rate(korob_rpc_duration_seconds_count{@operation}[$__rate_interval])))",
                "{{operation}}",
            )],
        },
        Panel {
            title: "Orders",
            says: "Placed, rejected and cancelled.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "max by (type) (rate(korob_events_told_total{@all,type=~\"OrderPlaced|OrderRejected|OrderCancelled\"}[$__rate_interval]))",
                "{{type}}",
            )],
        },
    ],
};

const ERRORS: Row = Row {
    title: "Errors",
    panels: &[
        Panel {
            title: "Answers by status",
            says: "4xx is what clients did wrong or may not do, 409 also what is out of stock; 5xx is ours.",
            look: Look::Lines,
            unit: "reqps",
            queries: &[(
                "sum by (status) (rate(korob_http_request_duration_seconds_count{@all}[$__rate_interval]))",
                "{{status}}",
            )],
        },
        Panel {
            title: "Failed calls",
            says: "Calls that ended with a code that is nobody's wish, by operation.",
            look: Look::Lines,
            unit: "reqps",
            queries: &[(
                "sum by (operation, code) (rate(korob_rpc_duration_seconds_count{@operation,code=~\"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED|DATA_LOSS|UNIMPLEMENTED\"}[$__rate_interval]))",
                "{{operation}} {{code}}",
            )],
        },
        Panel {
            title: "Repeated and not repeated",
            says: "The gateway repeats one call in ten at most; what the budget refuses is an outage that it does not make worse.",
            look: Look::Lines,
            unit: "reqps",
            queries: &[
                ("sum by (to) (rate(korob_repeats_total{@all}[$__rate_interval]))", "again: {{to}}"),
                ("sum(rate(korob_repeats_refused_total{@all}[$__rate_interval]))", "not again"),
            ],
        },
    ],
};

const DURATIONS: Row = Row {
    title: "Durations",
    panels: &[
        Panel {
            title: "Placing an order",
            says: "As the partner sees it; a point is a request, and leads to its trace.",
            look: Look::Traced,
            unit: "s",
            queries: &[
                (
                    "histogram_quantile(0.5, sum by (le) (rate(korob_http_request_duration_seconds_bucket{@all,method=\"POST\",route=\"/v1/orders\"}[$__rate_interval])))",
                    "p50",
                ),
                (
                    "histogram_quantile(0.99, sum by (le) (rate(korob_http_request_duration_seconds_bucket{@all,method=\"POST\",route=\"/v1/orders\"}[$__rate_interval])))",
                    "p99",
                ),
            ],
        },
        Panel {
            title: "Slowest routes, p99",
            says: "The ten slowest routes of the gateway.",
            look: Look::Traced,
            unit: "s",
            queries: &[(
                "topk(10, histogram_quantile(0.99, sum by (method, route, le) (rate(korob_http_request_duration_seconds_bucket{@all}[$__rate_interval]))))",
                "{{method}} {{route}}",
            )],
        },
        Panel {
            title: "Slowest operations, p99",
            says: "The ten slowest operations of the chosen services.",
            look: Look::Traced,
            unit: "s",
            queries: &[(
                "topk(10, histogram_quantile(0.99, sum by (operation, le) (rate(korob_rpc_duration_seconds_bucket{@operation}[$__rate_interval]))))",
                "{{operation}}",
            )],
        },
    ],
};

const SATURATION: Row = Row {
    title: "Saturation",
    panels: &[
        Panel {
            title: "Places in use",
            says: "How much of what is let in at once is used. Browsing is refused from a half on, changes from four fifths.",
            look: Look::Lines,
            unit: "percentunit",
            queries: &[(
                "max by (at) (korob_admission_in_flight{@at} / korob_admission_limit{@at})",
                "{{at}}",
            )],
        },
        Panel {
            title: "Refused as too much",
            says: "By class; critical is placing, cancelling and paying.",
            look: Look::Lines,
            unit: "reqps",
            queries: &[(
                "sum by (at, class) (rate(korob_admission_refused_total{@at}[$__rate_interval]))",
                "{{at}} {{class}}",
            )],
        },
        Panel {
            title: "Processor",
            says: "Cores that each process uses.",
            look: Look::Lines,
            unit: "short",
            queries: &[(
                "rate(process_cpu_seconds_total{@all}[$__rate_interval]) * on (namespace, instance) group_left (role) korob_build_info{@all}",
                "{{role}} {{instance}}",
            )],
        },
        Panel {
            title: "Memory",
            says: "Resident memory of each process.",
            look: Look::Lines,
            unit: "bytes",
            queries: &[(
                "process_resident_memory_bytes{@all} * on (namespace, instance) group_left (role) korob_build_info{@all}",
                "{{role}} {{instance}}",
            )],
        },
    ],
};
