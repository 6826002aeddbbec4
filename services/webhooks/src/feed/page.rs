//! One page of the feed: what each log has next, by time, as far as the caller may hear it.

use futures_util::future::join_all;
use proto::events::v1::{Event, ReadEventsResponse};
use proto::webhooks::v1::FeedEvent;
use store::Store;
use tonic::Status;

use super::cursor::Cursor;
use crate::error::{Error, Result};
use crate::kinds::{self, EventKind};
use crate::model::Audience;
use crate::public;
use crate::streams::{Place, Stream, Streams, is_full};

/// What a reader wants.
pub(crate) struct Wanted {
    pub(crate) kinds: Vec<&'static EventKind>,
    pub(crate) audience: Audience,
    pub(crate) limit: usize,
}

/// What was found.
pub(crate) struct Found {
    pub(crate) events: Vec<FeedEvent>,
    pub(crate) cursor: Cursor,
    pub(crate) more: bool,
    /// Why some of the logs could not be read; their places are where they were.
    pub(crate) unread: Option<Box<Status>>,
}

/// What one log had.
struct Part {
    stream: usize,
    epoch: String,
    /// Up to where the log was looked at.
    end: i64,
    full: bool,
    events: Vec<Event>,
}

impl Wanted {
    /// The numbers of the logs that have what is wanted.
    pub(crate) fn streams(&self, streams: &Streams) -> Vec<usize> {
        let mut wanted: Vec<usize> =
            self.kinds.iter().filter_map(|kind| streams.index_of(kind.stream)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }
}

/// Reads on from `cursor`.
pub(crate) async fn read(
    store: &Store,
    streams: &Streams,
    mut cursor: Cursor,
    wanted: &Wanted,
) -> Result<Found> {
    let asked = wanted.streams(streams);
    let reading = asked.iter().map(|stream| part(*stream, &streams.all()[*stream], &cursor, wanted));
    let (mut parts, mut unread) = (Vec::new(), None);
    for part in join_all(reading).await {
        match part {
            Ok(part) => parts.push(part),
            Err(Error::Upstream(status)) => unread = Some(status),
            Err(error) => return Err(error),
        }
    }

    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        merged.extend((0..part.events.len()).map(|event| (at, event)));
    }
    // Stable, and each part is in its order already: clocks may jump, the order of a log must not.
    let times: Vec<Vec<(i64, i32)>> = parts.iter().map(rising_times).collect();
    merged.sort_by_key(|(part, event)| times[*part][*event]);

    let mut events = Vec::new();
    let mut more = parts.iter().any(|part| part.full);
    let mut taken = vec![0; parts.len()];
    for (at, index) in merged {
        let part = &parts[at];
        let event = &part.events[index];
        let kind = kinds::of_type(&event.r#type);
        let kind = kind.filter(|kind| public::may_hear(&wanted.audience, kind, event));
        let told = kind.and_then(|kind| public::tell(kind, event));
        if told.is_some() && events.len() >= wanted.limit {
            more = true;
            break;
        }
        cursor.set(part.stream, Place { epoch: part.epoch.clone(), position: event.position });
        taken[at] = index + 1;
        if let Some(told) = told {
            events.push(FeedEvent { event: Some(told.event), cursor: cursor.seal(store) });
        }
    }
    for (part, taken) in parts.iter().zip(taken) {
        // All of it was looked at, and so was what it had of other types.
        if taken == part.events.len() {
            cursor.set(part.stream, Place { epoch: part.epoch.clone(), position: part.end });
        }
    }
    Ok(Found { events, cursor, more, unread })
}

async fn part(at: usize, stream: &Stream, cursor: &Cursor, wanted: &Wanted) -> Result<Part> {
    let place = cursor.place(at);
    let position = place.map_or(0, |place| place.position);
    let kinds = wanted.kinds.iter().filter(|kind| kind.stream == stream.name);
    let types = kinds.map(|kind| kind.type_name.clone()).collect();
    let page = stream.read(position, types, std::time::Duration::ZERO).await;
    let page = page.map_err(|status| Error::Upstream(Box::new(status)))?;
    check(stream.name, place, &page)?;
    let full = is_full(&page);
    let ReadEventsResponse { events, read_position, epoch, .. } = page;
    Ok(Part { stream: at, epoch, end: read_position, full, events })
}

/// A place that the log does not have any more is no place to go on from.
fn check(stream: &'static str, place: Option<&Place>, page: &ReadEventsResponse) -> Result<()> {
    let Some(place) = place else { return Ok(()) };
    if place.epoch != page.epoch || page.read_position < place.position {
        return Err(Error::CursorVoid { stream });
    }
    if place.position < page.trimmed_position {
        return Err(Error::CursorExpired { stream });
    }
    Ok(())
}

/// The times of a log's events, none before that of an earlier one.
fn rising_times(part: &Part) -> Vec<(i64, i32)> {
    let times = part.events.iter().scan((i64::MIN, 0), |latest, event| {
        let told = event.create_time.map_or((0, 0), |time| (time.seconds, time.nanos));
        *latest = told.max(*latest);
        Some(*latest)
    });
    times.collect()
}
