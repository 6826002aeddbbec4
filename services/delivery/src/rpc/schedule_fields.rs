//! Reads when a method delivers, in which windows, and what fits.

use std::collections::{BTreeSet, HashSet};

use chrono::NaiveDate;
use proto::delivery::v1 as pb;
use rpc::Fields;

use crate::model::delivery_method::Kind;
use crate::model::piece_size::PieceSize;
use crate::model::schedule::{DAY_MINUTES, Schedule, Window};

const WINDOWS_MAX: usize = 200;
const CLOSED_DATES_MAX: usize = 400;
const DAYS_AHEAD: i32 = 14;
const DAYS_AHEAD_MAX: i32 = 60;
const CAPACITY_MAX: i32 = 10_000;
const CUT_OFF_MINUTES_MAX: i32 = 14 * DAY_MINUTES;
const EDGE_MM_MAX: i32 = 100_000;
/// Most pieces of a cart.
const PIECES_MAX: usize = 1000;
const ONLY_THE_SHOPS_OWN: &str =
    "only the shop's own courier and counter have it: a carrier outside has its own";

/// The weekly windows; none of a carrier outside.
pub fn schedule(
    fields: &mut Fields,
    kind: Kind,
    schedule: Option<&pb::DeliverySchedule>,
) -> Option<Schedule> {
    let schedule = schedule?;
    let field = "delivery_method.schedule";
    fields.check(kind != Kind::Parcel, field, "NOT_ALLOWED", ONLY_THE_SHOPS_OWN);
    let time_zone = schedule.time_zone.parse().ok();
    let problem = "an IANA name, such as Europe/Kyiv";
    fields.check(time_zone.is_some(), &format!("{field}.time_zone"), "MALFORMED", problem);
    fields.check(
        !schedule.windows.is_empty(),
        &format!("{field}.windows"),
        "REQUIRED",
        "at least one window",
    );
    let windows = windows(fields, &format!("{field}.windows"), &schedule.windows);
    let closed_dates = closed_dates(fields, &format!("{field}.closed_dates"), &schedule.closed_dates);
    let days_ahead = if schedule.days_ahead == 0 { DAYS_AHEAD } else { schedule.days_ahead };
    let fits = (1..=DAYS_AHEAD_MAX).contains(&days_ahead);
    fields.check(fits, &format!("{field}.days_ahead"), "OUT_OF_RANGE", "1 to 60");
    let slot_required = schedule.slot_required;
    Some(Schedule { time_zone: time_zone?, windows, closed_dates, days_ahead, slot_required })
}

/// Whether parcels are handed over against a code; not those of a carrier outside.
pub fn asks_for_code(fields: &mut Fields, kind: Kind, asks: bool) -> bool {
    let allowed = !asks || kind != Kind::Parcel;
    fields.check(allowed, "delivery_method.asks_for_code", "NOT_ALLOWED", ONLY_THE_SHOPS_OWN);
    asks
}

/// The largest piece a method takes.
pub fn size_max(fields: &mut Fields, size: Option<&pb::PieceSize>) -> Option<PieceSize> {
    size.and_then(|size| piece_size(fields, "delivery_method.size_max", size))
}

/// The sizes of a cart's pieces, as far as they are known.
pub fn piece_sizes(fields: &mut Fields, sizes: &[pb::PieceSize]) -> Vec<PieceSize> {
    if sizes.len() > PIECES_MAX {
        fields.refuse("piece_sizes", "TOO_MANY", format!("at most {PIECES_MAX} entries"));
        return Vec::new();
    }
    let read = sizes.iter().enumerate();
    read.filter_map(|(at, size)| piece_size(fields, &format!("piece_sizes[{at}]"), size)).collect()
}

/// The size of one piece.
pub fn piece_size(fields: &mut Fields, field: &str, size: &pb::PieceSize) -> Option<PieceSize> {
    let edges = [("length_mm", size.length_mm), ("width_mm", size.width_mm), ("height_mm", size.height_mm)];
    for (name, edge) in edges {
        let fits = (1..=EDGE_MM_MAX).contains(&edge);
        fields.check(fits, &format!("{field}.{name}"), "OUT_OF_RANGE", "1 to 100000");
    }
    Some(PieceSize { length_mm: size.length_mm, width_mm: size.width_mm, height_mm: size.height_mm })
}

fn windows(fields: &mut Fields, field: &str, windows: &[pb::DeliveryWindow]) -> Vec<Window> {
    if windows.len() > WINDOWS_MAX {
        fields.refuse(field, "TOO_MANY", format!("at most {WINDOWS_MAX} entries"));
        return Vec::new();
    }
    let mut begun = HashSet::new();
    let mut read = Vec::new();
    for (at, window) in windows.iter().enumerate() {
        let path = |name: &str| format!("{field}[{at}].{name}");
        let weekday = (1..=7).contains(&window.weekday);
        fields.check(weekday, &path("weekday"), "OUT_OF_RANGE", "1 for Monday to 7 for Sunday");
        let from = minute(&window.from).filter(|minute| *minute < DAY_MINUTES);
        fields.check(from.is_some(), &path("from"), "MALFORMED", "a time of the day, such as 10:00");
        let until = minute(&window.until);
        fields.check(until.is_some(), &path("until"), "MALFORMED", "a time of the day, such as 14:00");
        let ordered = from.zip(until).is_none_or(|(from, until)| from < until);
        fields.check(ordered, &path("until"), "OUT_OF_RANGE", "must come after `from`");
        let capacity = (1..=CAPACITY_MAX).contains(&window.capacity);
        fields.check(capacity, &path("capacity"), "OUT_OF_RANGE", "1 to 10000");
        let cut_off = (0..=CUT_OFF_MINUTES_MAX).contains(&window.cut_off_minutes);
        fields.check(cut_off, &path("cut_off_minutes"), "OUT_OF_RANGE", "0 to 20160");
        let alone = from.is_none_or(|from| begun.insert((window.weekday, from)));
        fields.check(alone, &path("from"), "DUPLICATE", "another window of the day begins then");
        let Some((from_minute, until_minute)) = from.zip(until) else { continue };
        read.push(Window {
            weekday: window.weekday,
            from_minute,
            until_minute,
            capacity: window.capacity,
            cut_off_minutes: window.cut_off_minutes,
        });
    }
    read
}

fn closed_dates(fields: &mut Fields, field: &str, dates: &[String]) -> BTreeSet<NaiveDate> {
    if dates.len() > CLOSED_DATES_MAX {
        fields.refuse(field, "TOO_MANY", format!("at most {CLOSED_DATES_MAX} entries"));
        return BTreeSet::new();
    }
    let mut read = BTreeSet::new();
    for (at, date) in dates.iter().enumerate() {
        let parsed = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok();
        fields.check(parsed.is_some(), &format!("{field}[{at}]"), "MALFORMED", "a day, such as 2026-12-25");
        read.extend(parsed);
    }
    read
}

/// `HH:MM` as minutes, `24:00` at the latest.
fn minute(text: &str) -> Option<i32> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|sign| sign.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= DAY_MINUTES).then_some(minute)
}
