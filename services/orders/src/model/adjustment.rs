//! Why a line's total differs from price × quantity: discounts, frozen with the price.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Error;
use types::{Currency, Money, MoneyError};

/// One reason and what it comes to. Invariant: price × quantity + Σ adjustments = the line's total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Shown to people.
    pub reason: String,
    /// The promo code, or the shop's own code of the reason; empty for none.
    pub code: String,
    /// Negative for a discount.
    pub amount: Money,
}

/// The same reasons for another sum: `taken` is spread over them as before.
pub fn resized(adjustments: &[Adjustment], taken: Money) -> Result<Vec<Adjustment>, MoneyError> {
    if adjustments.is_empty() {
        return Ok(Vec::new());
    }
    let weights: Vec<i64> = adjustments.iter().map(|one| one.amount.minor().abs()).collect();
    let shares = taken.allocate(&weights)?;
    let resized = adjustments.iter().zip(shares).filter(|(_, share)| !share.is_zero());
    Ok(resized
        .map(|(one, share)| Adjustment {
            amount: Money::new(share.currency(), -share.minor()),
            ..one.clone()
        })
        .collect())
}

/// As it is stored; the currency is the order's.
#[derive(Serialize, Deserialize)]
struct Stored {
    reason: String,
    code: String,
    minor: i64,
}

/// The stored form; `None` for none, which is most lines.
pub fn stored(adjustments: &[Adjustment]) -> Option<Value> {
    let stored = adjustments.iter().map(|one| Stored {
        reason: one.reason.clone(),
        code: one.code.clone(),
        minor: one.amount.minor(),
    });
    (!adjustments.is_empty()).then(|| json!(stored.collect::<Vec<_>>()))
}

/// Reads what [`stored`] wrote.
pub fn read(value: Value, currency: Currency) -> store::Result<Vec<Adjustment>> {
    let stored: Vec<Stored> =
        serde_json::from_value(value).map_err(|error| Error::Corrupt(error.to_string()))?;
    let adjustment = |one: Stored| Adjustment {
        reason: one.reason,
        code: one.code,
        amount: Money::new(currency, one.minor),
    };
    Ok(stored.into_iter().map(adjustment).collect())
}
