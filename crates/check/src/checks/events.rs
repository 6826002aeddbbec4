//! What every database has: the event log, cursors, parked events, sagas, history.

use crate::check::{Check, Cursors, Look};

/// A cursor, and the log that it is of, are of two databases.
pub(super) const CHECKS: &[Check] = &[
    Check::everywhere(
        "event-positions",
        "Positions of the event log follow each other without a gap, from the first that is kept.",
        "SELECT position, coalesce(before, (SELECT trimmed FROM event_stream)) + 1 AS expected, position AS found
         FROM (SELECT position, lag(position) OVER (ORDER BY position) AS before FROM event_log) AS log
         WHERE position <> coalesce(before, (SELECT trimmed FROM event_stream)) + 1",
    ),
    // Versions of parcels, reservations, incidents, returns, keys and receipts are those of their rows, which may change untold.
    Check::everywhere(
        "event-versions",
        "Versions of an aggregate grow with the positions of its events, one by one where each change is told.",
        "SELECT aggregate_id, position, coalesce(before, 0) + 1 AS expected, version AS found
         FROM (SELECT aggregate_id, position, version,
                      lag(version) OVER (PARTITION BY aggregate_id COLLATE \"C\" ORDER BY position) AS before,
                      split_part(aggregate_id, '_', 1) IN ('shm', 'res', 'inc', 'ret', 'key', 'rcp') AS may_skip
               FROM event_log) AS log
         WHERE CASE WHEN before IS NULL
                    THEN version < 1 OR version <> 1 AND NOT may_skip AND (SELECT trimmed FROM event_stream) = 0
                    ELSE version <= before OR version <> before + 1 AND NOT may_skip END",
    ),
    // Prices, transfers, parcels cancelled with their plan and reservations that lost units are told beside the history of
    // another row: the list, the document, the plan, the shortage.
    Check::everywhere(
        "event-history",
        "Every change that is told has a row of history of the same moment.",
        "SELECT aggregate_id, create_time, 'a row of history' AS expected, 'none' AS found
         FROM (SELECT aggregate_id, create_time FROM event_log
               EXCEPT SELECT resource_id, change_time FROM audit_log) AS untold
         WHERE split_part(aggregate_id, '_', 1) NOT IN ('prl', 'trf', 'shm', 'res')
            OR create_time NOT IN (SELECT change_time FROM audit_log)",
    ),
    Check::looking(
        "event-cursors-log",
        "A consumer follows the log that is there, not one from before a restore, and is no further than it goes.",
        Look::Cursors(Cursors::OfThisLog),
    ),
    Check::looking(
        "event-cursors-trimmed",
        "What a consumer has not applied yet is still kept.",
        Look::Cursors(Cursors::NotTrimmed),
    ),
    Check::everywhere(
        "parked-events",
        "No event waits because it could not be applied.",
        "SELECT consumer, position, aggregate_id, 'applied' AS expected,
                'parked after ' || tries || ' tries: ' || coalesce(nullif(error, ''), 'behind another one') AS found
         FROM parked_events ORDER BY consumer, position",
    )
    .noticed(),
    Check::everywhere(
        "sagas-undecided",
        "Every process has ended a minute after it began.",
        "SELECT saga_id, kind, 'done or undone' AS expected, state || ' since ' || create_time AS found FROM sagas
         WHERE state IN ('running', 'unwinding') AND create_time < now() - interval '60 seconds'",
    ),
    Check::everywhere(
        "sagas-ended",
        "A process that has ended says when, and one that has not does not.",
        "SELECT saga_id, kind, state AS expected, coalesce('ended at ' || finish_time, 'no end') AS found FROM sagas
         WHERE (state IN ('done', 'undone')) <> (finish_time IS NOT NULL)",
    ),
];
