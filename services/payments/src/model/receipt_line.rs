//! What fiscal receipts say was sold.

use serde::{Deserialize, Serialize};
use store::Error as StoreError;
use types::{Currency, Money};

/// One line of a fiscal receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptLine {
    pub name: String,
    /// In the smallest sellable unit.
    pub quantity: i32,
    /// Of all units.
    pub amount: Money,
    /// Empty means the registrar account's.
    pub tax_code: String,
}

/// A line in its column; the currency is that of the row.
#[derive(Serialize, Deserialize)]
struct StoredLine {
    name: String,
    quantity: i32,
    minor: i64,
    tax_code: String,
}

/// The lines of a receipt of `amount`: the same goods, in proportion. Without lines, one of the whole sum.
pub fn in_proportion(
    lines: &[ReceiptLine],
    amount: Money,
    whole: &str,
) -> Result<Vec<ReceiptLine>, StoreError> {
    let weights: Vec<i64> = lines.iter().map(|line| line.amount.minor()).collect();
    if weights.iter().all(|weight| *weight == 0) {
        let name = whole.to_owned();
        return Ok(vec![ReceiptLine { name, quantity: 1, amount, tax_code: String::new() }]);
    }
    let shares = amount.allocate(&weights).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let shared = lines.iter().zip(shares).map(|(line, amount)| ReceiptLine { amount, ..line.clone() });
    Ok(shared.filter(|line| line.amount.minor() > 0).collect())
}

/// The text of a column.
pub fn write(lines: &[ReceiptLine]) -> String {
    let stored: Vec<StoredLine> = lines
        .iter()
        .map(|line| StoredLine {
            name: line.name.clone(),
            quantity: line.quantity,
            minor: line.amount.minor(),
            tax_code: line.tax_code.clone(),
        })
        .collect();
    serde_json::to_string(&stored).unwrap_or_else(|_| "[]".to_owned())
}

/// Reads the text of a column.
pub fn read(text: &str, currency: Currency) -> Result<Vec<ReceiptLine>, StoreError> {
    let stored: Vec<StoredLine> =
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("receipt lines: {error}")))?;
    let line = |line: StoredLine| ReceiptLine {
        name: line.name,
        quantity: line.quantity,
        amount: Money::new(currency, line.minor),
        tax_code: line.tax_code,
    };
    Ok(stored.into_iter().map(line).collect())
}
