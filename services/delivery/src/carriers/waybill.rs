//! Numbers of the shop's own waybills: `KB`, ten digits and a check digit, so that a typing error is noticed.

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use store::{Store, cached_sql};

use super::Booking;

/// The number of a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waybill(String);

impl Waybill {
    /// The next number of this installation. Numbers have gaps: one is taken before the parcel is stored.
    pub async fn next(store: &Store) -> store::Result<Self> {
        let mut connection = store.connection().await?;
        let next = cached_sql("SELECT nextval('waybill_numbers')").returns::<(BigInt,)>();
        let (serial,): (i64,) = next.get_result(&mut *connection).await?;
        Ok(Self::numbered(serial))
    }

    /// The waybill with a serial number.
    pub fn numbered(serial: i64) -> Self {
        let digits = format!("{serial:010}");
        Self(format!("KB{digits}{}", check_digit(&digits)))
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }

    /// The shop's own parcels are booked at once and have no other name.
    pub fn into_booking(self) -> Booking {
        Booking::Registered { carrier_parcel_id: String::new(), tracking_number: self.0, price: None }
    }
}

/// Luhn's: catches every wrong digit and nearly every swapped pair.
fn check_digit(digits: &str) -> u32 {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let from_the_right = digits.chars().rev().filter_map(|digit| digit.to_digit(10)).enumerate();
    let sum: u32 = from_the_right.map(|(at, digit)| if at % 2 == 0 { doubled(digit) } else { digit }).sum();
    (10 - sum % 10) % 10
}
