//! Lines of fiscal receipts as payments takes them.

use proto::payments::v1 as pb;
use rpc::wire::money;

use crate::model::order::Order;
use crate::model::receipt_line::{self, ReceiptLine};

/// What an order is paid for as it is now; the sums add up to its total. Payments shares them out in proportion to what each
/// payment of the order takes.
pub fn receipt_lines(order: &Order) -> Vec<pb::ReceiptLine> {
    receipt_line::of_order(order).into_iter().map(receipt_line).collect()
}

/// One line. Its tax is that of the shop's registrar account.
pub fn receipt_line(line: ReceiptLine) -> pb::ReceiptLine {
    pb::ReceiptLine {
        name: line.name,
        quantity: line.quantity,
        amount: Some(money(line.amount)),
        tax_code: String::new(),
    }
}
