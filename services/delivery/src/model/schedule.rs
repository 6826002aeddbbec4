//! When the shop's own courier drives or its counter hands out, and how much fits into each window.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Minutes of a day.
pub const DAY_MINUTES: i32 = 24 * 60;

/// Weekly windows by the shop's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub time_zone: Tz,
    /// No two of a weekday begin together.
    pub windows: Vec<Window>,
    pub closed_dates: BTreeSet<NaiveDate>,
    /// How many days can be chosen, today among them.
    pub days_ahead: i32,
    /// Whether nothing is planned without a slot.
    pub slot_required: bool,
}

/// A window that comes back every week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// 1 for Monday to 7 for Sunday.
    pub weekday: i32,
    /// After midnight by the shop's clock.
    pub from_minute: i32,
    /// After `from_minute`, at most [`DAY_MINUTES`].
    pub until_minute: i32,
    pub capacity: i32,
    /// It can be chosen until so long before it begins.
    pub cut_off_minutes: i32,
}

/// A window on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub time: SlotTime,
    /// It can be chosen until then.
    pub cut_off: DateTime<Utc>,
    pub capacity: i32,
}

/// When a slot is; the start is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotTime {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// Weekly windows as the database keeps them.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredSchedule {
    time_zone: String,
    windows: Vec<Window>,
    closed_dates: BTreeSet<NaiveDate>,
    days_ahead: i32,
    slot_required: bool,
}

impl Schedule {
    /// The slots that can be chosen at `now`, the earliest first.
    pub fn slots(&self, now: DateTime<Utc>) -> Vec<Slot> {
        let today = now.with_timezone(&self.time_zone).date_naive();
        let days = (0..self.days_ahead.unsigned_abs())
            .filter_map(|day| today.checked_add_days(Days::new(day.into())));
        let open = days.filter(|day| !self.closed_dates.contains(day));
        let mut slots: Vec<Slot> =
            open.flat_map(|day| self.windows.iter().filter_map(move |window| self.on(day, window))).collect();
        slots.retain(|slot| now <= slot.cut_off);
        slots.sort_by_key(|slot| slot.time.start);
        slots
    }

    /// The slot that starts then, if it can be chosen at `now`.
    pub fn slot(&self, start: DateTime<Utc>, now: DateTime<Utc>) -> Option<Slot> {
        self.slots(now).into_iter().find(|slot| slot.time.start == start)
    }

    fn on(&self, day: NaiveDate, window: &Window) -> Option<Slot> {
        if i32::try_from(day.weekday().number_from_monday()) != Ok(window.weekday) {
            return None;
        }
        // What the clock skips in spring does not take place; what it shows twice in autumn begins the first time.
        let start = self.instant(day, window.from_minute)?;
        let length = TimeDelta::minutes((window.until_minute - window.from_minute).into());
        let end = self.instant(day, window.until_minute).filter(|end| *end > start).unwrap_or(start + length);
        Some(Slot {
            time: SlotTime { start, end },
            cut_off: start - TimeDelta::minutes(window.cut_off_minutes.into()),
            capacity: window.capacity,
        })
    }

    fn instant(&self, day: NaiveDate, minute: i32) -> Option<DateTime<Utc>> {
        let local = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minute.into());
        Some(self.time_zone.from_local_datetime(&local).earliest()?.with_timezone(&Utc))
    }
}

impl From<&Schedule> for StoredSchedule {
    fn from(schedule: &Schedule) -> Self {
        Self {
            time_zone: schedule.time_zone.name().to_owned(),
            windows: schedule.windows.clone(),
            closed_dates: schedule.closed_dates.clone(),
            days_ahead: schedule.days_ahead,
            slot_required: schedule.slot_required,
        }
    }
}

impl TryFrom<StoredSchedule> for Schedule {
    type Error = chrono_tz::ParseError;

    fn try_from(stored: StoredSchedule) -> Result<Self, Self::Error> {
        Ok(Self {
            time_zone: stored.time_zone.parse()?,
            windows: stored.windows,
            closed_dates: stored.closed_dates,
            days_ahead: stored.days_ahead,
            slot_required: stored.slot_required,
        })
    }
}
