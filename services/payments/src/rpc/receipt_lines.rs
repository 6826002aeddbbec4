//! Reads the lines of a fiscal receipt.

use proto::payments::v1 as pb;
use rpc::Fields;
use types::Money;

use crate::model::receipt_line::ReceiptLine;

/// Lines of one receipt: those of the largest order, and its delivery.
const LINES_MAX: usize = 1001;
const NAME_LENGTH_MAX: usize = 500;
const TAX_CODE_LENGTH_MAX: usize = 32;

/// The lines; they may be none. `currency_of` is the sum they belong to, whose currency they share.
pub fn parse(fields: &mut Fields, lines: &[pb::ReceiptLine], currency_of: Option<Money>) -> Vec<ReceiptLine> {
    if lines.len() > LINES_MAX {
        fields.list_length("receipt_lines", lines.len(), LINES_MAX);
        return Vec::new();
    }
    let parsed = lines.iter().enumerate().filter_map(|(at, line)| {
        let path = |field: &str| format!("receipt_lines[{at}].{field}");
        let name = fields.required_text(&path("name"), &line.name, NAME_LENGTH_MAX);
        let tax_code = fields.text(&path("tax_code"), &line.tax_code, TAX_CODE_LENGTH_MAX);
        fields.check(line.quantity > 0, &path("quantity"), "OUT_OF_RANGE", "must be more than nothing");
        let amount = fields.money(&path("amount"), line.amount.as_ref())?;
        fields.check(!amount.is_negative(), &path("amount.amount"), "OUT_OF_RANGE", "must not be negative");
        let same = currency_of.is_none_or(|sum| sum.currency() == amount.currency());
        fields.check(same, &path("amount.currency_code"), "CURRENCY_MISMATCH", "the currency of the payment");
        Some(ReceiptLine { name, quantity: line.quantity, amount, tax_code })
    });
    parsed.collect()
}
