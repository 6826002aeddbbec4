//! Shared values as the contracts write them.

use chrono::{DateTime, Utc};
use proto::r#type::v1 as pb;
use types::Money;

/// A sum of money.
pub fn money(money: Money) -> pb::Money {
    pb::Money { amount: money.amount(), currency_code: money.currency().code().to_owned() }
}

/// A time.
pub fn time(time: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos() as i32 }
}
