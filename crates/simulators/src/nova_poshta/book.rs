//! What Nova Poshta knows: documents, each with its parcel's whereabouts.

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Kyiv;

use crate::shelf::Shelf;

#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By ref and number, labelled with the account.
    pub documents: Shelf<Document>,
}

/// An express waybill (ТТН).
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub reference: String,
    pub number: String,
    pub account: String,
    /// What the sender calls it: InfoRegClientBarcodes.
    pub barcode: String,
    pub service: String,
    pub to_locker: bool,
    pub city: String,
    pub place: String,
    pub recipient: String,
    pub phone: String,
    /// In kilograms.
    pub weight: String,
    /// What the carrier's scales say, in grams; nothing when it was not put on them.
    pub weighed_grams: Option<i64>,
    /// In kopiykas.
    pub cost: i64,
    pub price: i64,
    /// Cash on delivery, in kopiykas.
    pub cash: Option<i64>,
    pub cash_collected: bool,
    pub code: &'static str,
    pub reason: String,
    pub create_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
    pub arrived_time: Option<DateTime<Utc>>,
    pub deleted: bool,
}

/// The time in Kyiv, without its zone.
pub(super) fn local(time: DateTime<Utc>) -> String {
    time.with_timezone(&Kyiv).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// The day in Kyiv.
pub(super) fn day(time: DateTime<Utc>) -> String {
    time.with_timezone(&Kyiv).format("%d.%m.%Y").to_string()
}
