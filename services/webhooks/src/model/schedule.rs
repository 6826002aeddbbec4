//! When what was not taken is tried again, and when it is given up.

use chrono::{DateTime, TimeDelta, Utc};

/// An event that was not taken for so long since its first attempt is given up, and so is an endpoint.
pub(crate) const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(3);
/// The pauses after the attempts of one event, in seconds; the last one repeats.
const PAUSES: [i64; 9] = [5, 30, 120, 300, 900, 1_800, 3_600, 7_200, 14_400];
/// Rounds without success after which an endpoint counts as down and is only probed.
pub(crate) const DOWN_AFTER_ROUNDS: i32 = 3;
/// Pauses between probes, in seconds; they double.
const PROBE_PAUSE_MIN: i64 = 10;
const PROBE_PAUSE_MAX: i64 = 300;
/// An endpoint may ask for a longer pause, up to this.
const RETRY_AFTER_MAX: i64 = 3_600;

/// What follows an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    TryAt(DateTime<Utc>),
    GiveUp,
}

/// After attempt number `attempt`, counted from 1. `spread` of 0 to 99 keeps what failed together from coming back together.
pub(crate) fn after_failure(
    attempt: i32,
    first: DateTime<Utc>,
    now: DateTime<Utc>,
    retry_after: i64,
    spread: i64,
) -> Next {
    if now - first >= GIVE_UP_AFTER {
        return Next::GiveUp;
    }
    let at = usize::try_from(attempt - 1).unwrap_or(0).min(PAUSES.len() - 1);
    let pause = PAUSES[at].max(retry_after.min(RETRY_AFTER_MAX));
    // A quarter more at most.
    let pause = TimeDelta::milliseconds(pause * 1_000 + pause * spread * 10 / 4);
    // The last attempt is made when the time is over, and not a pause later.
    Next::TryAt((now + pause).min(first + GIVE_UP_AFTER))
}

/// How long an endpoint is left alone after so many rounds in which it took nothing; none while it may be chance.
pub(crate) fn probe_pause(rounds: i32, retry_after: i64) -> Option<TimeDelta> {
    let asked = retry_after.min(RETRY_AFTER_MAX);
    if rounds < DOWN_AFTER_ROUNDS {
        return (asked > 0).then(|| TimeDelta::seconds(asked));
    }
    let doubled = PROBE_PAUSE_MIN << (rounds - DOWN_AFTER_ROUNDS).min(10);
    Some(TimeDelta::seconds(doubled.min(PROBE_PAUSE_MAX).max(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_tried_for_three_days_with_growing_pauses() {
        let first = DateTime::UNIX_EPOCH;
        let (mut now, mut attempt, mut pauses) = (first, 1, Vec::new());
        while let Next::TryAt(next) = after_failure(attempt, first, now, 0, 0) {
            pauses.push((next - now).num_seconds());
            (now, attempt) = (next, attempt + 1);
        }
        assert_eq!(now - first, GIVE_UP_AFTER, "the last attempt is after three days");
        assert_eq!(pauses[..9], PAUSES);
        assert!(pauses[9..pauses.len() - 1].iter().all(|pause| *pause == 14_400), "{pauses:?}");
        assert_eq!(attempt, 27);
    }

    #[test]
    fn an_endpoint_may_ask_for_more_time_but_not_for_ever() {
        let first = DateTime::UNIX_EPOCH;
        let wait = |asked| match after_failure(1, first, first, asked, 0) {
            Next::TryAt(next) => (next - first).num_seconds(),
            Next::GiveUp => panic!("it is given up"),
        };
        assert_eq!((wait(0), wait(60), wait(1_000_000)), (5, 60, 3_600));
    }

    #[test]
    fn an_endpoint_that_is_down_is_probed_every_five_minutes_at_last() {
        let seconds = |rounds| probe_pause(rounds, 0).map(|pause| pause.num_seconds());
        let pauses = [0, 2, 3, 4, 8, 1_000].map(seconds);
        assert_eq!(pauses, [None, None, Some(10), Some(20), Some(300), Some(300)]);
        assert_eq!(probe_pause(0, 30), Some(TimeDelta::seconds(30)));
    }
}
