//! What every metric means: shown with it, and in docs/operations.md.
//!
//! Labels are closed sets: routes, methods, codes, reasons, names of services, consumers, sagas, tasks. None is called as
//! what a scraper adds by itself (`job`, `instance`, `namespace`, `pod`, `service`).

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// A metric and its meaning.
#[derive(Debug, Clone, Copy)]
pub struct Term {
    /// Its name.
    pub name: &'static str,
    /// How its values behave.
    pub kind: Kind,
    /// What it says, with its labels.
    pub says: &'static str,
}

/// How the values of a metric behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while a process runs.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations or sizes, in buckets.
    Histogram,
}

/// Every metric of the suite.
pub const GLOSSARY: &[Term] = &[
    // The process.
    gauge(
        "korob_build_info",
        "1, with `version` and `role`: `korob` for the whole suite, else the service or `gateway`",
    ),
    gauge("korob_serving", "1 while the service `at` is ready: its database answers and it does not drain"),
    gauge(
        "korob_on_duty",
        "1 in the one process of the service `at` that applies events and works by the clock",
    ),
    gauge("process_start_time_seconds", "when the process began, since 1970"),
    counter("process_cpu_seconds_total", "processor time of the process, in whole seconds"),
    gauge("process_resident_memory_bytes", "memory of the process"),
    gauge("process_open_fds", "files and connections that the process has open"),
    gauge("process_max_fds", "how many it may have open"),
    gauge("process_threads", "threads of the process"),
    // Requests and calls.
    histogram(
        "korob_http_request_duration_seconds",
        "requests to the gateway by `method`, `route` (the template, `unmatched` for none) and `status`",
    ),
    histogram(
        "korob_rpc_duration_seconds",
        "served calls by `operation`, such as `orders.place_order`, and gRPC `code`",
    ),
    gauge(
        "korob_certificate_expires_timestamp_seconds",
        "when the certificate that the process proves its `role` by ends to be valid, since 1970",
    ),
    counter(
        "korob_certificate_reload_failures_total",
        "changed certificates that could not be used: the last one stays in use",
    ),
    counter("korob_tls_refused_total", "connections of processes that did not prove a role, by `reason`"),
    gauge("korob_admission_limit", "how much is worked on at once `at` the gateway or a service's port"),
    gauge("korob_admission_in_flight", "how much is worked on, as of the last time the limit followed it"),
    counter(
        "korob_admission_refused_total",
        "refused for want of a place, by `at` and `class` (critical, normal, sheddable)",
    ),
    counter(
        "korob_calls_moved_total",
        "calls that another process of the same service got, by the service they go `to`: the first surely had not seen them",
    ),
    counter("korob_repeats_total", "calls that the gateway made again, by the service they go `to`"),
    counter(
        "korob_repeats_refused_total",
        "calls that were not repeated because the budget for it was used up",
    ),
    // Sagas.
    gauge("korob_sagas_open", "sagas that have not ended, by `saga`"),
    gauge("korob_sagas_overdue", "of those, how many nobody has worked on for a minute"),
    gauge("korob_saga_oldest_seconds", "age of the oldest one that has not ended"),
    histogram(
        "korob_saga_duration_seconds",
        "sagas from taken up to ended, by `saga` and `outcome` (done, undone)",
    ),
    histogram("korob_saga_step_duration_seconds", "steps of sagas by `saga` and `step`"),
    counter("korob_sagas_undone_total", "sagas that were undone, by `saga` and the `reason` of the refusal"),
    counter("korob_sagas_recovered_total", "sagas that were taken over from another process, by `saga`"),
    counter(
        "korob_saga_retries_total",
        "attempts that ended without an outcome and are made again, by `saga`",
    ),
    // Events.
    counter(
        "korob_events_told_total",
        "events that were told, by `database` and `type`, such as `OrderPlaced`",
    ),
    gauge("korob_events_log_position", "the newest event in the log of a `database`"),
    counter("korob_events_applied_total", "applied events by `consumer`"),
    histogram("korob_events_lag_seconds", "age of the last event of every applied page, by `consumer`"),
    gauge("korob_events_position", "the last event that was applied, by `consumer`"),
    gauge(
        "korob_events_waiting",
        "events that wait for `consumer` of the log of `producer`; 500 stand for as many or more",
    ),
    gauge("korob_events_oldest_waiting_seconds", "age of the first of them"),
    gauge("korob_events_stopped", "1 when a `consumer` has failed to go on several times in a row"),
    counter("korob_events_parked_total", "events that could not be applied and were parked, by `consumer`"),
    gauge("korob_events_parked", "parked events and those that wait behind them"),
    gauge("korob_events_given_up", "of those, how many wait for an operator"),
    // Events over NATS.
    gauge("korob_carrier_connected", "1 while the service `at` is connected to NATS; absent without it"),
    gauge(
        "korob_events_published_position",
        "up to here the log of `database` was published and acknowledged",
    ),
    counter("korob_events_published_total", "events that NATS has acknowledged, by `database`"),
    counter(
        "korob_events_not_carried_total",
        "events that NATS does not take, as they are too large, by `database`; subscribers find them in the log",
    ),
    counter(
        "korob_events_gap_fetches_total",
        "times that `consumer` had to ask the log for what NATS had not brought",
    ),
    gauge("korob_events_from_log", "1 while `consumer` listens to the log, as NATS has not caught up"),
    counter(
        "korob_events_not_genuine_total",
        "messages to `consumer` that no process of this installation has sent",
    ),
    // Webhooks to partners.
    counter("korob_webhooks_queued_total", "events queued for endpoints of partners, once for each"),
    counter(
        "korob_webhook_attempts_total",
        "attempts to send them, by `outcome`: `taken`, `refused`, `no_answer`",
    ),
    histogram(
        "korob_webhook_attempt_duration_seconds",
        "how long endpoints took to answer, or were waited for",
    ),
    gauge(
        "korob_webhooks_waiting",
        "events that wait to be sent or tried again; 10000 stand for as many or more",
    ),
    gauge("korob_webhooks_overdue_seconds", "age of the oldest of the next event of each enabled endpoint"),
    gauge(
        "korob_webhooks_dead",
        "events that were given up and can be sent again; 10000 stand for as many or more",
    ),
    gauge("korob_webhook_endpoints", "endpoints by `state`"),
    gauge("korob_webhook_endpoints_failing", "of those, how many have taken nothing since an attempt failed"),
    // Orders, stock, money, parcels.
    gauge("korob_orders_placing", "orders that are recorded and not decided for a minute or longer"),
    gauge("korob_orders_placing_oldest_seconds", "age of the oldest order that is not decided"),
    gauge("korob_orders_without_customer", "orders whose buyer could not be identified yet"),
    gauge("korob_shipments_late", "orders that should have left by now; 10000 stand for as many or more"),
    gauge("korob_shortages_open", "open shortages; 10000 stand for as many or more"),
    gauge("korob_shortages_overdue", "of those, how many are past their due time"),
    gauge("korob_holds", "live holds of carts and quotes; 10000 stand for as many or more"),
    gauge(
        "korob_outside_waiting",
        "what waits for an answer from outside or for its next try, by `database` and `what`; 10000 stand for as many or more",
    ),
    gauge("korob_outside_overdue_seconds", "for how long the first of them should have been looked at"),
    gauge(
        "korob_webhooks_failed",
        "webhooks of payment providers that were given up, or name nothing of ours; 10000 stand for as many or more",
    ),
    gauge("korob_incidents_open", "open incidents of parcels; 10000 stand for as many or more"),
    gauge("korob_incidents_overdue", "of those, how many are past their due time"),
    gauge("korob_carrier_codes_unknown", "codes that carriers have sent and nobody has explained yet"),
    // Databases.
    gauge("korob_pool_connections_max", "most connections of this process to its `database`"),
    gauge("korob_pool_connections_busy", "connections at work"),
    gauge("korob_pool_connections_idle", "connections at rest"),
    gauge("korob_pool_waiting", "calls that wait for a connection"),
    counter(
        "korob_pool_exhausted_total",
        "calls that were refused because no connection became free in time",
    ),
    histogram("korob_batch_size", "requests that were committed together, by `batcher`"),
    counter(
        "korob_statements_cancelled_total",
        "statements that were cancelled because nobody waited for them any more",
    ),
    counter(
        "korob_database_contention_total",
        "statements that failed by `kind`: serialization, deadlock, lock_timeout, statement_timeout",
    ),
    counter(
        "korob_database_connections_lost_total",
        "connections that were given up because the server had fallen silent",
    ),
    gauge("korob_database_size_bytes", "size of a `database` on its disk"),
    counter("korob_database_transactions_total", "committed transactions of a `database`"),
    counter("korob_database_rollbacks_total", "transactions that were rolled back"),
    counter("korob_database_blocks_read_total", "blocks that were not in PostgreSQL's memory"),
    counter("korob_database_blocks_hit_total", "blocks that were"),
    counter("korob_database_temporary_bytes_total", "written to temporary files"),
    counter("korob_database_deadlocks_total", "deadlocks that PostgreSQL has broken"),
    gauge(
        "korob_database_oldest_transaction_seconds",
        "age of the oldest transaction that this role can see on the server",
    ),
    gauge(
        "korob_database_transaction_ids_used",
        "transaction ids since the last freeze; at two thousand millions PostgreSQL stops",
    ),
    gauge("korob_server_connections", "connections of all databases of the server"),
    gauge("korob_server_connections_max", "most connections of the server"),
    counter("korob_wal_archive_failures_total", "pieces of the write-ahead log that could not be archived"),
    counter("korob_wal_archived_total", "pieces of the write-ahead log that were archived"),
    // Work by the clock.
    histogram("korob_task_duration_seconds", "runs of what a service does by the clock, by `task`"),
    counter("korob_task_failures_total", "runs that failed and are made again, by `task`"),
];

const fn counter(name: &'static str, says: &'static str) -> Term {
    Term { name, kind: Kind::Counter, says }
}

const fn gauge(name: &'static str, says: &'static str) -> Term {
    Term { name, kind: Kind::Gauge, says }
}

const fn histogram(name: &'static str, says: &'static str) -> Term {
    Term { name, kind: Kind::Histogram, says }
}

/// Tells the exposition.
pub(super) fn describe() {
    for Term { name, kind, says } in GLOSSARY {
        match kind {
            Kind::Counter => describe_counter!(*name, *says),
            Kind::Gauge => describe_gauge!(*name, *says),
            Kind::Histogram => describe_histogram!(*name, *says),
        }
    }
}
