//! What an installation may say about stock.

use chrono::TimeDelta;

/// Settings of this service.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long somebody may take to solve a shortage, unless he is given another time.
    pub shortage_hours: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { shortage_hours: 24 }
    }
}

impl Settings {
    /// From the opening of a shortage to its due time.
    pub fn shortage_time(&self) -> TimeDelta {
        TimeDelta::hours(i64::from(self.shortage_hours))
    }
}
