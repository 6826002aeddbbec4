//! Statuses that are derived, case by case.

use korob_orders::model::fulfilment_status::{FulfilmentStatus, LineSums};
use korob_orders::model::missing_item::MissingItem;
use korob_orders::model::order_state::OrderState;
use korob_orders::model::payment_status::PaymentStatus;
use korob_orders::model::rejection::Rejection;

#[test]
fn a_payment_status_follows_from_what_was_kept() {
    use PaymentStatus::{Overpaid, Paid, PartiallyPaid, Refunded, Unpaid};
    let cases = [
        (OrderState::New, 100, 0, 0, Unpaid),
        (OrderState::New, 100, 40, 0, PartiallyPaid),
        (OrderState::New, 100, 100, 0, Paid),
        (OrderState::New, 100, 101, 0, Overpaid),
        (OrderState::New, 100, 100, 40, PartiallyPaid),
        (OrderState::New, 100, 140, 40, Paid),
        (OrderState::Cancelled, 100, 100, 100, Refunded),
        (OrderState::New, 0, 0, 0, Paid),
        (OrderState::Placing, 0, 0, 0, Unpaid),
        (OrderState::Rejected, 0, 0, 0, Unpaid),
    ];
    for (state, total, paid, refunded, wanted) in cases {
        assert_eq!(
            PaymentStatus::of(state, total, paid, refunded),
            wanted,
            "{state} {total} {paid} {refunded}"
        );
    }
}

#[test]
fn a_fulfilment_status_follows_from_the_quantities() {
    use FulfilmentStatus::{Delivered, PartiallyShipped, Shipped, Unfulfilled};
    let cases = [
        (3, 0, 0, 0, Unfulfilled),
        (3, 1, 0, 0, PartiallyShipped),
        (3, 3, 0, 0, Shipped),
        (3, 3, 2, 0, Shipped),
        (3, 3, 3, 0, Delivered),
        (3, 2, 2, 1, Delivered),
        (3, 0, 0, 3, Unfulfilled),
    ];
    for (ordered, shipped, delivered, cancelled, wanted) in cases {
        let sums = LineSums { ordered, shipped, delivered, cancelled };
        assert_eq!(FulfilmentStatus::of(sums), wanted, "{sums:?}");
    }
}

#[test]
fn what_is_short_is_read_from_the_facts() {
    let facts = [("A-1", "2/0"), ("B/2", "10/9"), ("shop", "not a number")];
    let facts = facts.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();

    let rejection = Rejection::of(Some("OUT_OF_STOCK".to_owned()), "short", facts);

    let item = |sku: &str, wanted, available| MissingItem { sku: sku.to_owned(), wanted, available };
    assert_eq!(rejection.missing_items, [item("A-1", 2, 0), item("B/2", 10, 9)]);
    assert_eq!(rejection.facts, [("shop".to_owned(), "not a number".to_owned())]);
}
