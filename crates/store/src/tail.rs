//! The newest events that this process has committed: readers who keep up with the log need not ask the database for them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::transaction::NewEvent;

/// Events that are kept; who is further behind reads the database.
const LENGTH_MAX: usize = 1024;
/// Bytes of their bodies.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// An event that is committed.
#[derive(Debug, Clone)]
pub struct AppendedEvent {
    /// Its number in the log.
    pub position: i64,
    /// Its id.
    pub event_id: Uuid,
    /// What happened.
    pub event: NewEvent,
    /// Who made it happen.
    pub actor: String,
    /// The trace it belongs to.
    pub traceparent: String,
    /// The event that caused it.
    pub causation_id: Option<String>,
    /// When.
    pub create_time: DateTime<Utc>,
}

/// Which log events were appended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Changes when the log is recreated or restored.
    pub epoch: Uuid,
    /// Up to here it was forgotten at that time.
    pub trimmed: i64,
}

/// The events of one transaction.
pub(crate) struct Run {
    pub(crate) log: LogState,
    pub(crate) events: Vec<AppendedEvent>,
}

/// Events by position. Other processes append to the same log, and a commit may have succeeded without our hearing of it:
/// then a number is missing here, and nothing after it is answered.
#[derive(Debug, Default)]
pub struct Tail(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    log: Option<LogState>,
    events: BTreeMap<i64, Arc<AppendedEvent>>,
    bytes: usize,
}

impl Tail {
    /// The events that directly follow `position`, at least one and without a gap, and the log they are in; `None` when the
    /// database must be asked.
    pub fn after(&self, position: i64) -> Option<(LogState, Vec<Arc<AppendedEvent>>)> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = position.checked_add(1)?;
        let numbered = kept.events.range(next..).zip(next..);
        let without_gap = numbered.take_while(|((found, _), expected)| *found == expected);
        let events: Vec<_> = without_gap.map(|((_, event), _)| event.clone()).collect();
        if events.is_empty() { None } else { Some((kept.log?, events)) }
    }

    pub(crate) fn push(&self, run: Run) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.log.is_some_and(|log| log.epoch != run.log.epoch) {
            *kept = Kept::default();
        }
        kept.log = Some(run.log);
        for event in run.events {
            kept.bytes += event.event.body.len();
            if let Some(replaced) = kept.events.insert(event.position, Arc::new(event)) {
                kept.bytes -= replaced.event.body.len();
            }
        }
        while kept.events.len() > LENGTH_MAX || kept.bytes > BYTES_MAX {
            let Some((_, oldest)) = kept.events.pop_first() else { return };
            kept.bytes -= oldest.event.body.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_LOG: LogState = LogState { epoch: Uuid::from_u128(1), trimmed: 0 };

    fn event(position: i64, bytes: usize) -> AppendedEvent {
        let event = NewEvent {
            aggregate_id: "agg_1".to_owned(),
            version: position,
            type_name: "korob.test.v1.Happened".to_owned(),
            body: vec![0; bytes],
            shop_id: None,
            origin: None,
        };
        AppendedEvent {
            position,
            event_id: Uuid::from_u128(position as u128),
            event,
            actor: "test".to_owned(),
            traceparent: String::new(),
            causation_id: None,
            create_time: DateTime::UNIX_EPOCH,
        }
    }

    fn push(tail: &Tail, positions: impl IntoIterator<Item = i64>) {
        let events = positions.into_iter().map(|position| event(position, 1)).collect();
        tail.push(Run { log: ONE_LOG, events });
    }

    fn after(tail: &Tail, position: i64) -> Vec<i64> {
        let found = tail.after(position);
        found.map(|(_, run)| run.iter().map(|event| event.position).collect()).unwrap_or_default()
    }

    #[test]
    fn what_follows_is_answered_up_to_the_first_gap() {
        let tail = Tail::default();
        // Transactions are told of in any order.
        push(&tail, [7]);
        push(&tail, [4, 5]);
        assert_eq!(after(&tail, 3), [4, 5], "6 was committed by somebody else, or not heard of");
        assert_eq!(after(&tail, 4), [5]);
        assert!(after(&tail, 5).is_empty());
        assert!(after(&tail, 2).is_empty(), "3 may exist");
        assert!(after(&tail, i64::MAX).is_empty());
        push(&tail, [6]);
        assert_eq!(after(&tail, 3), [4, 5, 6, 7]);
    }

    #[test]
    fn another_log_has_other_events() {
        let tail = Tail::default();
        push(&tail, 1..=5);
        let other = LogState { epoch: Uuid::from_u128(2), trimmed: 0 };
        tail.push(Run { log: other, events: vec![event(3, 1)] });
        assert!(after(&tail, 0).is_empty());
        let (log, run) = tail.after(2).expect("the new one");
        assert_eq!((log, run.len()), (other, 1));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let tail = Tail::default();
        let length = LENGTH_MAX as i64;
        push(&tail, 1..=length + 2);
        assert!(after(&tail, 1).is_empty());
        assert_eq!(after(&tail, 2).len(), LENGTH_MAX);
        tail.push(Run { log: ONE_LOG, events: vec![event(length + 3, BYTES_MAX)] });
        assert_eq!(after(&tail, length + 2), [length + 3]);
        assert!(after(&tail, length + 1).is_empty());
    }
}
