//! What fiscal receipts say a buyer pays for: the goods as they are sold, and their delivery. Nothing personal.

use types::Money;

use crate::model::order::Order;
use crate::model::order_line::OrderLine;

/// The longest name that payments takes.
const NAME_LENGTH_MAX: usize = 500;
/// What delivery is called when its method has no name.
const DELIVERY: &str = "Delivery";

/// A line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptLine {
    /// Never blank.
    pub name: String,
    /// In the smallest sellable unit.
    pub quantity: i32,
    /// Of all units, after discounts.
    pub amount: Money,
}

/// What an order is paid for as it is now. The lines add up to its total.
pub fn of_order(order: &Order) -> Vec<ReceiptLine> {
    let method_name = order.delivery.as_ref().map(|delivery| delivery.method_name.as_str());
    of_lines(&order.lines, method_name.unwrap_or_default(), order.delivery_total)
}

/// The same before an order is placed: its lines with their prices, and what delivery costs.
pub fn of_lines(lines: &[OrderLine], delivery_name: &str, delivery: Money) -> Vec<ReceiptLine> {
    let goods = lines.iter().map(|line| ReceiptLine {
        name: name(&line.name, line.sku.as_str()),
        quantity: line.ordered,
        amount: line.total,
    });
    let delivery = (!delivery.is_zero()).then(|| ReceiptLine {
        name: name(delivery_name, DELIVERY),
        quantity: 1,
        amount: delivery,
    });
    goods.chain(delivery).collect()
}

fn name(name: &str, otherwise: &str) -> String {
    let name = if name.trim().is_empty() { otherwise } else { name };
    match name.char_indices().nth(NAME_LENGTH_MAX) {
        Some((end, _)) => name[..end].to_owned(),
        None => name.to_owned(),
    }
}
