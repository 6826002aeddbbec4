//! Times as the shop's clock shows them.

use chrono::DateTime;
use chrono_tz::Tz;

use super::Language;

/// A contract's timestamp: seconds since 1970 and nanoseconds.
pub(crate) type Instant = (i64, i32);

/// The clock of a shop, for readers of a language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShopClock {
    pub(crate) zone: Tz,
    pub(crate) language: Language,
}

/// The time zone of this name; that of Greenwich for one that nobody knows.
pub(crate) fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

impl ShopClock {
    /// A time as HTML, such as `22.11.2026, 14:05`; empty for one that no calendar has.
    pub(super) fn html(&self, (seconds, nanos): Instant) -> String {
        let time = u32::try_from(nanos).ok().and_then(|nanos| DateTime::from_timestamp(seconds, nanos));
        let Some(time) = time.map(|time| time.with_timezone(&self.zone)) else { return String::new() };
        let readable = match self.language {
            Language::English => time.format("%-d %b %Y, %H:%M"),
            Language::Ukrainian | Language::Russian => time.format("%d.%m.%Y, %H:%M"),
        };
        format!("<time datetime=\"{}\">{readable}</time>", time.format("%Y-%m-%dT%H:%M:%S%:z"))
    }
}
