//! Whatever happens to an order, its sums fit.

use std::collections::HashMap;

use korob_orders::model::discount::{Discount, Discounts, Percent, Reduction};
use korob_orders::model::missing_item::MissingItem;
use korob_orders::model::offer::Offer;
use korob_orders::model::order::{Delivery, Identified, Order, Placement};
use korob_orders::model::order_line::{LineKind, OrderLine, UnitPrice};
use korob_orders::model::order_payment::OrderPayment;
use korob_orders::model::order_state::OrderState;
use korob_orders::model::origin::PaymentMethod;
use korob_orders::model::placement::{Held, Planned, Priced, Quote, QuotedPrice, Unmatched};
use korob_orders::model::receipt_line;
use korob_orders::model::tracking::{Parcel, Tracking};
use proptest::prelude::*;
use types::{Currency, DeliveryMethodId, Money, OrderId, PaymentId, ShipmentId, ShopId, SourceId};

/// What a line costs and what may be held for it.
#[derive(Debug, Clone)]
struct Drawn {
    quantity: i32,
    quoted: Option<i64>,
    fixed: Option<i64>,
    price_quantity: i32,
    held: i64,
    service: bool,
}

#[derive(Debug, Clone)]
enum Happening {
    Move(usize, Option<&'static str>),
    Parcel(Tracking),
    Lost(i64),
    Cancel,
    Paid(i64, i64),
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let price = || proptest::option::of(0_i64..1_000_000_000);
    (
        1..=1_000_000_i32,
        price(),
        price(),
        prop_oneof![Just(1), Just(10), Just(1000)],
        0..2_000_000_i64,
        any::<bool>(),
    )
        .prop_map(|(quantity, quoted, fixed, price_quantity, held, service)| Drawn {
            quantity,
            quoted,
            fixed,
            price_quantity,
            held,
            service,
        })
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (0..8_usize, proptest::option::of(Just("own"))).prop_map(|(to, status)| Happening::Move(to, status)),
        prop_oneof![Just(Tracking::Waits), Just(Tracking::Left), Just(Tracking::Delivered)]
            .prop_map(Happening::Parcel),
        (0..2_000_000_i64).prop_map(Happening::Lost),
        Just(Happening::Cancel),
        (0..1_000_i64, 0..1_000_i64).prop_map(|(paid, refunded)| Happening::Paid(paid + refunded, refunded)),
    ]
}

proptest! {
    #[test]
    fn lines_and_totals_agree(
        lines in proptest::collection::vec(drawn(), 1..8),
        delivery in proptest::option::of(0_i64..100_000),
        happenings in proptest::collection::vec(happening(), 0..12),
    ) {
        let mut order = order(&lines, delivery.is_some());
        let Some(placement) = placement(&order, &lines, delivery) else { return Ok(()) };
        order.place(placement).unwrap();
        check(&order)?;
        for happening in happenings {
            happen(&mut order, happening);
            check(&order)?;
        }
    }
}

/// What is taken off lines, by their position, and off the goods as a whole.
fn taken_off() -> impl Strategy<Value = Discounts> {
    let reduction = || {
        prop_oneof![
            (1..=10_000_i64).prop_map(|share| Reduction::Percent(Percent::of_hundredths(share).unwrap())),
            (1..1_000_000_i64).prop_map(|minor| Reduction::Amount(Money::new(uah(), minor))),
        ]
    };
    let discount = || {
        reduction().prop_map(|reduction| Discount {
            reduction,
            reason: "loyal".to_owned(),
            code: String::new(),
        })
    };
    let of_lines = proptest::collection::vec((0..8_i32, discount()), 0..3);
    (of_lines, proptest::collection::vec(discount(), 0..3))
        .prop_map(|(of_lines, of_goods)| Discounts { of_lines, of_goods })
}

proptest! {
    #[test]
    fn what_receipts_say_adds_up_to_what_is_paid(
        lines in proptest::collection::vec(drawn(), 1..8),
        delivery in proptest::option::of(0_i64..100_000),
        discounts in taken_off(),
    ) {
        let mut order = order(&lines, delivery.is_some());
        let Some(placement) = placement(&order, &lines, delivery) else { return Ok(()) };
        let Ok(priced) = placement.priced.clone().discounted(&discounts) else { return Ok(()) };
        let price = Money::new(uah(), delivery.unwrap_or_default());

        let said = receipt_line::of_lines(&priced.lines, "Courier", price);

        order.place(Placement { priced, ..placement }).unwrap();
        let sum = Money::sum(uah(), said.iter().map(|line| line.amount)).unwrap();
        prop_assert_eq!(sum, order.total);
        prop_assert!(said.iter().all(|line| !line.name.trim().is_empty() && line.quantity > 0));
        prop_assert!(said.iter().all(|line| !line.amount.is_negative()));
        prop_assert_eq!(receipt_line::of_order(&order), said, "the same once it is placed");
    }
}

fn happen(order: &mut Order, happening: Happening) {
    match happening {
        // A forbidden move changes nothing.
        Happening::Move(to, status) => {
            drop(order.change_state(OrderState::ALL[to], status.map(str::to_owned)))
        }
        Happening::Parcel(tracking) => {
            let shipment_id = ShipmentId::derived(order.order_id.uuid(), 0);
            order.follow_parcel(shipment_id, tracking, Parcel::default())
        }
        Happening::Lost(held) => {
            let short = MissingItem { sku: "S-0".to_owned(), wanted: 1, available: 0 };
            let units = HashMap::from([("S-0".to_owned(), held)]);
            order.follow_stock(Held { units, shortages: vec![short], version: 0 });
        }
        Happening::Cancel => {
            if order.may_be_cancelled().is_ok() {
                order.cancel("other".parse().unwrap());
            }
        }
        Happening::Paid(paid, refunded) => {
            let payment_id = PaymentId::derived(order.order_id.uuid(), 0).uuid();
            order.follow_payment(OrderPayment { payment_id, amount: paid, paid, refunded, revision: 0 });
        }
    }
}

fn check(order: &Order) -> Result<(), TestCaseError> {
    let goods = Money::sum(order.currency, order.lines.iter().map(|line| line.total)).unwrap();
    prop_assert_eq!(order.goods_total, goods);
    prop_assert_eq!(order.total, goods.checked_add(order.delivery_total).unwrap());
    for line in &order.lines {
        prop_assert!(line.reserved >= 0 && line.shipped >= 0 && line.cancelled >= 0);
        prop_assert!(line.reserved + line.shipped + line.cancelled <= line.ordered);
        prop_assert!(line.delivered <= line.shipped && line.returned <= line.shipped);
        let in_parts = order.fulfilments.iter().filter(|part| part.state.has_left());
        prop_assert_eq!(in_parts.map(|part| part.units(line.position)).sum::<i32>(), line.shipped);
        if order.state == OrderState::Cancelled {
            prop_assert_eq!(line.shipped + line.cancelled, line.ordered);
        }
        if order.state == OrderState::Complete {
            prop_assert_eq!(line.delivered + line.cancelled, line.ordered);
        }
    }
    Ok(())
}

fn uah() -> Currency {
    "UAH".parse().unwrap()
}

fn order(lines: &[Drawn], delivers: bool) -> Order {
    let line = |(position, drawn): (usize, &Drawn)| {
        let sku = format!("S-{}", position % 3).parse().unwrap();
        let fixed = drawn.fixed.map(|minor| Money::new(uah(), minor));
        let unit_price = fixed.map_or(UnitPrice::Open, UnitPrice::Fixed);
        OrderLine::wanted(position as i32, sku, drawn.quantity, unit_price, uah())
    };
    let lines = lines.iter().enumerate().map(line).collect();
    let delivery = Delivery {
        method_id: DeliveryMethodId::new(),
        method_name: String::new(),
        address: None,
        price_fixed: false,
    };
    Order {
        number: "A-1".to_owned(),
        channel: "site".to_owned(),
        delivery: delivers.then_some(delivery),
        ..Order::wanted(
            OrderId::new(),
            ShopId::new(),
            SourceId::new(),
            PaymentMethod::BankTransfer,
            uah(),
            lines,
        )
    }
}

/// `None` when the order cannot be priced.
fn placement(order: &Order, lines: &[Drawn], delivery: Option<i64>) -> Option<Placement> {
    let quote = |drawn: &Drawn| {
        let unit = Money::new(uah(), drawn.quoted?);
        let total = unit.scaled(drawn.quantity.into(), drawn.price_quantity.into()).ok()?;
        Some(Quote {
            variant_id: Some(types::VariantId::new()),
            name: "Thing".to_owned(),
            kind: if drawn.service { LineKind::Service } else { LineKind::Goods },
            price: Some(QuotedPrice { unit, total }),
            price_quantity: drawn.price_quantity,
            weight_grams: 10,
            tax_category: String::new(),
            components: Vec::new(),
        })
    };
    let priced = Priced::of(order, lines.iter().map(quote).collect(), Unmatched::Accepted).ok()?;
    let mut held = Held::default();
    for (line, drawn) in order.lines.iter().zip(lines) {
        *held.units.entry(line.sku.to_string()).or_default() += drawn.held;
    }
    let planned =
        delivery.map(|minor| Planned { price: Money::new(uah(), minor), method_name: "Courier".to_owned() });
    Some(Placement {
        customer: Identified::Later,
        priced,
        held: Some(held),
        planned,
        payment_id: None,
        offer: Offer::default(),
    })
}
