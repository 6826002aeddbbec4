//! Where a reservation stands, and how it ends.

use types::ReservationId;

use crate::error::{Error, Result};

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its units are spoken for or missing; some may have left.
    Held,
    /// All that was wanted has left.
    Shipped,
    /// Its units were given back.
    Released,
    /// Its time ran out and its units were given back.
    Expired,
}

/// How a reservation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The owner gives the units back.
    Release,
    /// The time ran out.
    Expire,
    /// The goods leave.
    Ship,
}

/// What an ending changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The reservation ended.
    Ended,
    /// It holds or wants something else now.
    Changed,
    /// It was not there, and a tombstone was set.
    Buried,
    /// Nothing: it was so before.
    Unchanged,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Held, Self::Shipped, Self::Released, Self::Expired];

    /// The text in the database.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Shipped => "shipped",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }

    /// The state of a stored text.
    pub fn stored(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|one| one.text() == text).ok_or_else(|| Error::corrupt("a state", text))
    }

    /// The state after an ending; `None` when it is there already.
    pub fn after(self, ending: Ending, id: ReservationId) -> Result<Option<Self>> {
        match (self, ending) {
            (Self::Held, Ending::Release) => Ok(Some(Self::Released)),
            (Self::Held, Ending::Expire) => Ok(Some(Self::Expired)),
            (Self::Held, Ending::Ship) => Ok(Some(Self::Shipped)),
            (Self::Shipped, Ending::Ship) => Ok(None),
            (Self::Shipped, Ending::Release | Ending::Expire) => Err(Error::ReservationShipped { id }),
            (Self::Released | Self::Expired, Ending::Release | Ending::Expire) => Ok(None),
            (Self::Released | Self::Expired, Ending::Ship) => Err(Error::ReservationReleased { id }),
        }
    }
}
