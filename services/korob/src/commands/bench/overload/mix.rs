//! What a crowd asks for: buyers place as many orders as half of what can be placed, and the rest of them look around.

/// The tally of orders.
pub const PLACE: usize = 0;
/// The tally of pages.
pub const BROWSE: usize = 1;
/// Orders that are offered, as a part of what can be placed when nothing else is done.
const PLACING: f64 = 0.5;

/// How many of what.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// How many times what there is.
    pub times: f64,
    placing_most: f64,
    browsing_most: f64,
}

impl Mix {
    /// `times` what there is, when so much can be done in a second of one or of the other.
    pub fn of(placing_most: f64, browsing_most: f64, times: f64) -> Self {
        Self { times, placing_most, browsing_most }
    }

    /// Requests per second.
    pub fn per_second(&self) -> f64 {
        self.placing() + self.browsing()
    }

    /// Whether request number `number` is an order; they are spread evenly.
    pub fn places(&self, number: u64) -> bool {
        let part = self.placing() / self.per_second();
        let up_to = |number: u64| (number as f64 * part).floor();
        up_to(number + 1) > up_to(number)
    }

    /// What was done, as a part of what there is: an order costs more than a page, so they are weighed by what can be done
    /// of each alone.
    pub fn goodput(&self, placed_per_second: f64, browsed_per_second: f64) -> f64 {
        placed_per_second / self.placing_most + browsed_per_second / self.browsing_most
    }

    fn placing(&self) -> f64 {
        self.placing_most * PLACING
    }

    fn browsing(&self) -> f64 {
        self.browsing_most * (self.times - PLACING)
    }
}
