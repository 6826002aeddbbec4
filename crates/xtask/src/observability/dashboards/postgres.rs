//! The databases, the connections to them, and work by the clock.

use super::{Dashboard, Look, Panel, Row};

pub const PAGE: Dashboard = Dashboard {
    name: "korob-postgres",
    title: "Korob / PostgreSQL and pools",
    says: "As the services see their databases: no exporter of PostgreSQL's own is needed for it.",
    rows: &[POOLS, STATEMENTS, SERVER, TASKS],
};

const POOLS: Row = Row {
    title: "Pools",
    panels: &[
        Panel {
            title: "Connections at work",
            says: "The part of each pool that is at work, as seen every 15 seconds.",
            look: Look::Lines,
            unit: "percentunit",
            queries: &[(
                "max by (database) (korob_pool_connections_busy{@database} / korob_pool_connections_max{@database})",
                "{{database}}",
            )],
        },
        Panel {
            title: "Open connections",
            says: "At work and at rest, of all processes of a service.",
            look: Look::Lines,
            unit: "short",
            queries: &[(
                "sum by (database) (korob_pool_connections_busy{@database} + korob_pool_connections_idle{@database})",
                "{{database}}",
            )],
        },
        Panel {
            title: "Waiting for a connection",
            says: "Calls that wait, and those that were refused after 400 ms.",
            look: Look::Lines,
            unit: "short",
            queries: &[
                ("sum by (database) (korob_pool_waiting{@database})", "waiting: {{database}}"),
                (
                    "sum by (database) (rate(korob_pool_exhausted_total{@database}[$__rate_interval]))",
                    "refused/s: {{database}}",
                ),
            ],
        },
    ],
};

const STATEMENTS: Row = Row {
    title: "Statements",
    panels: &[
        Panel {
            title: "Transactions",
            says: "Committed by everybody who uses the database.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "max by (database) (rate(korob_database_transactions_total{@database}[$__rate_interval]))",
                "{{database}}",
            )],
        },
        Panel {
            title: "Rolled back",
            says: "Refusals are rolled back, too.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "max by (database) (rate(korob_database_rollbacks_total{@database}[$__rate_interval]))",
                "{{database}}",
            )],
        },
        Panel {
            title: "Contention",
            says: "Statements that lost against others or took too long, and deadlocks that PostgreSQL has broken.",
            look: Look::Lines,
            unit: "ops",
            queries: &[
                ("sum by (kind) (rate(korob_database_contention_total{@all}[$__rate_interval]))", "{{kind}}"),
                (
                    "max by (database) (rate(korob_database_deadlocks_total{@database}[$__rate_interval]))",
                    "deadlocks: {{database}}",
                ),
            ],
        },
        Panel {
            title: "Cancelled and lost",
            says: "Statements nobody waited for any more, and connections whose server fell silent.",
            look: Look::Lines,
            unit: "ops",
            queries: &[
                ("sum(rate(korob_statements_cancelled_total{@all}[$__rate_interval]))", "cancelled"),
                ("sum(rate(korob_database_connections_lost_total{@all}[$__rate_interval]))", "lost"),
            ],
        },
    ],
};

const SERVER: Row = Row {
    title: "Server",
    panels: &[
        Panel {
            title: "Connections of the server",
            says: "Of all its databases, against what it allows.",
            look: Look::Lines,
            unit: "percentunit",
            queries: &[(
                "max by (database) (korob_server_connections{@database} / korob_server_connections_max{@database})",
                "as seen by {{database}}",
            )],
        },
        Panel {
            title: "Found in memory",
            says: "The part of blocks that PostgreSQL had in memory.",
            look: Look::Lines,
            unit: "percentunit",
            queries: &[(
                "max by (database) (korob_database_blocks_hit_total{@database} / (korob_database_blocks_hit_total{@database} + korob_database_blocks_read_total{@database}))",
                "{{database}}",
            )],
        },
        Panel {
            title: "Size",
            says: "On the disk.",
            look: Look::Lines,
            unit: "bytes",
            queries: &[("max by (database) (korob_database_size_bytes{@database})", "{{database}}")],
        },
        Panel {
            title: "Oldest transaction",
            says: "A transaction that stays open keeps old rows alive.",
            look: Look::Lines,
            unit: "s",
            queries: &[(
                "max by (database) (korob_database_oldest_transaction_seconds{@database})",
                "{{database}}",
            )],
        },
        Panel {
            title: "Transaction ids used",
            says: "Since the last freeze. PostgreSQL stops at two thousand millions.",
            look: Look::Lines,
            unit: "short",
            queries: &[(
                "max by (database) (korob_database_transaction_ids_used{@database})",
                "{{database}}",
            )],
        },
        Panel {
            title: "Temporary files",
            says: "Written because a statement had not enough memory.",
            look: Look::Lines,
            unit: "Bps",
            queries: &[(
                "max by (database) (rate(korob_database_temporary_bytes_total{@database}[$__rate_interval]))",
                "{{database}}",
            )],
        },
        Panel {
            title: "Write-ahead log",
            says: "Pieces that were archived, and that could not be. Without an archive there is no point in time to go back to.",
            look: Look::Lines,
            unit: "ops",
            queries: &[
                (
                    "max by (database) (rate(korob_wal_archived_total{@database}[$__rate_interval]))",
                    "archived: {{database}}",
                ),
                (
                    "max by (database) (rate(korob_wal_archive_failures_total{@database}[$__rate_interval]))",
                    "failed: {{database}}",
                ),
            ],
        },
    ],
};

const TASKS: Row = Row {
    title: "Work by the clock",
    panels: &[
        Panel {
            title: "Duration, p99",
            says: "Runs of what a service does by the clock.",
            look: Look::Lines,
            unit: "s",
            queries: &[(
                "histogram_quantile(0.99, sum by (task, le) (rate(korob_task_duration_seconds_bucket{@all}[$__rate_interval])))",
                "{{task}}",
            )],
        },
        Panel {
            title: "Failures",
            says: "Runs that failed; each is made again.",
            look: Look::Lines,
            unit: "ops",
            queries: &[(
                "sum by (task) (rate(korob_task_failures_total{@all}[$__rate_interval]))",
                "{{task}}",
            )],
        },
    ],
};
