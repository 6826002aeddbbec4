//! What a parcel weighs: what was declared to its carrier, and what the carrier weighed.

use chrono::{DateTime, Utc};

/// A carrier's scales may differ so much, in grams.
const TOLERANCE_GRAMS: i64 = 100;
/// … and by so many hundredths of what was declared: both must be exceeded.
const TOLERANCE_PERCENT: i64 = 10;

/// What was declared, and what was weighed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// 0 when nobody said.
    pub declared_grams: i32,
    /// 0 when the carrier did not say.
    pub weighed_grams: i32,
    /// When what the carrier says was so; `None` when it does not say when.
    pub weighed_time: Option<DateTime<Utc>>,
}

impl Weight {
    /// What was declared, before anybody weighed.
    pub fn declared(grams: i32) -> Self {
        Self { declared_grams: grams, ..Self::default() }
    }

    /// The carrier says what it weighed; an older report changes nothing. Answers whether it is too much now and was not
    /// before.
    pub fn weighed(&mut self, grams: i32, time: Option<DateTime<Utc>>) -> bool {
        // A report without a time is older than any other.
        if time < self.weighed_time {
            return false;
        }
        let before = self.is_exceeded();
        self.weighed_grams = grams;
        self.weighed_time = time;
        !before && self.is_exceeded()
    }

    /// Whether the carrier weighed more than was declared, beyond what scales may differ.
    pub fn is_exceeded(&self) -> bool {
        let (declared, weighed) = (i64::from(self.declared_grams), i64::from(self.weighed_grams));
        let more = weighed - declared;
        declared > 0 && more > TOLERANCE_GRAMS && more * 100 > declared * TOLERANCE_PERCENT
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn scales_may_differ_by_a_hundred_grams_and_a_tenth() {
        let exceeds = |declared, weighed| {
            let mut weight = Weight::declared(declared);
            weight.weighed(weighed, None)
        };
        assert!(!exceeds(500, 600) && exceeds(500, 601));
        assert!(!exceeds(2000, 2200) && exceeds(2000, 2201));
        assert!(!exceeds(0, 5000), "nothing was declared");
        assert!(!exceeds(2000, 1), "less is no trouble");
        assert!(exceeds(1, i32::MAX));
    }

    #[test]
    fn the_last_word_counts_and_is_heard_once() {
        let (mut weight, time) = (Weight::declared(1000), DateTime::UNIX_EPOCH);
        let minute = |minutes| Some(time + TimeDelta::minutes(minutes));
        assert!(weight.weighed(1500, minute(5)));
        assert!(!weight.weighed(1500, minute(6)), "it was heard before");
        assert!(!weight.weighed(1000, minute(5)) && !weight.weighed(1000, None), "older");
        assert_eq!((weight.weighed_grams, weight.weighed_time), (1500, minute(6)));
        assert!(!weight.weighed(1050, minute(7)) && !weight.is_exceeded());
        assert!(weight.weighed(1400, minute(7)), "again too much");
    }
}
