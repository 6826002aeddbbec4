//! A way to deliver that a shop offers.

use chrono::{DateTime, Utc};
use types::{CarrierAccountId, DeliveryMethodId, ShopId};

use crate::error::{Error, Result};
use crate::model::piece_size::PieceSize;
use crate::model::schedule::{Schedule, Slot};
use crate::model::tariff::{Cart, Tariff};

/// Who carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The shop's own courier.
    Courier,
    /// The buyer comes to the shop.
    Pickup,
    /// A carrier outside.
    Parcel,
}

impl Kind {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Courier => "courier",
            Self::Pickup => "pickup",
            Self::Parcel => "parcel",
        }
    }

    /// Reads the word.
    pub fn stored(word: &str) -> Result<Self, store::Error> {
        let found =
            [Self::Courier, Self::Pickup, Self::Parcel].into_iter().find(|kind| kind.as_str() == word);
        found.ok_or_else(|| store::Error::Corrupt(format!("delivery kind {word:?}")))
    }
}

/// A way to deliver, with its tariffs in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryMethod {
    pub id: DeliveryMethodId,
    /// `None` for every shop of the organisation.
    pub shop_id: Option<ShopId>,
    pub kind: Kind,
    /// The account that books its parcels: of a method of kind parcel, and only there.
    pub account_id: Option<CarrierAccountId>,
    /// What the carrier calls the service.
    pub service: String,
    pub name: String,
    pub tariffs: Vec<Tariff>,
    /// Whether the carrier takes cash.
    pub cash_on_delivery: bool,
    pub archived: bool,
    pub sort_order: i32,
    /// Of the shop's own courier or counter; `None` when nobody chooses a time.
    pub schedule: Option<Schedule>,
    /// Whether the shop's own courier or counter hands over against a code.
    pub asks_for_code: bool,
    /// The largest piece it takes.
    pub size_max: Option<PieceSize>,
    /// Grows by one with every change.
    pub version: i64,
}

impl DeliveryMethod {
    /// The first tariff that fits; `None` also when cash is wanted and not taken.
    pub fn quote(&self, cart: &Cart<'_>) -> Option<&Tariff> {
        self.takes_the_payment(cart).then(|| self.tariff(cart)).flatten()
    }

    /// Whether cash is taken, or none is wanted.
    pub fn takes_the_payment(&self, cart: &Cart<'_>) -> bool {
        self.cash_on_delivery || !cart.cash_on_delivery
    }

    /// The first tariff that fits.
    pub fn tariff(&self, cart: &Cart<'_>) -> Option<&Tariff> {
        self.tariffs.iter().find(|tariff| tariff.fits(cart))
    }

    /// Whether every piece fits.
    pub fn takes_the_pieces(&self, pieces: &[PieceSize]) -> bool {
        self.size_max.is_none_or(|room| pieces.iter().all(|piece| piece.fits(room)))
    }

    /// The slot that was chosen; `None` when none was, and none must be.
    pub fn chosen_slot(&self, start: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<Option<Slot>> {
        match (start, &self.schedule) {
            (None, Some(schedule)) if schedule.slot_required => Err(Error::SlotRequired),
            (None, _) => Ok(None),
            (Some(start), schedule) => {
                let slot = schedule.as_ref().and_then(|schedule| schedule.slot(start, now));
                slot.map(Some).ok_or(Error::SlotNotOffered { start })
            }
        }
    }

    /// Whether `shop` offers it.
    pub fn is_offered_by(&self, shop: ShopId) -> bool {
        !self.archived && self.shop_id.is_none_or(|own| own == shop)
    }
}
