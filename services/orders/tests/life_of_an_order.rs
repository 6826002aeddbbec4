//! Whatever is done to an order, in whatever order: its quantities fit, and orders, stock and money agree.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use proto::delivery::v1::TrackingStatus;
use proto::orders::v1 as pb;
use types::Money;

use crate::shop::Shop;

/// Orders that live. Each is a handful of calls on a real database.
const CASES: u32 = 12;

const SKUS: [&str; 4] = ["A-1", "B-1", "KIT", "WRAP"];
const UNITS: i64 = 20;

#[derive(Debug, Clone)]
enum Happening {
    Resize(usize, i32),
    Add(usize, i32),
    Remove(usize),
    Readdress,
    Split(usize, i32),
    SplitRest,
    Assemble,
    HandOver(usize),
    Deliver(usize),
    TakeBack(usize),
    Redirect(usize, i64),
    Pay(i64),
    GiveBack(usize, i32, bool),
    Complete,
    Cancel,
}

fn happening() -> impl Strategy<Value = Happening> {
    let at = || 0..4_usize;
    prop_oneof![
        3 => (at(), 1..6_i32).prop_map(|(line, units)| Happening::Resize(line, units)),
        2 => (at(), 1..4_i32).prop_map(|(sku, units)| Happening::Add(sku, units)),
        1 => at().prop_map(Happening::Remove),
        1 => Just(Happening::Readdress),
        3 => (at(), 1..4_i32).prop_map(|(line, units)| Happening::Split(line, units)),
        1 => Just(Happening::SplitRest),
        3 => Just(Happening::Assemble),
        2 => at().prop_map(Happening::HandOver),
        2 => at().prop_map(Happening::Deliver),
        1 => at().prop_map(Happening::TakeBack),
        2 => (at(), 0..9_000_i64).prop_map(|(part, price)| Happening::Redirect(part, price)),
        3 => (1..30_000_i64).prop_map(Happening::Pay),
        3 => (at(), 1..3_i32, any::<bool>()).prop_map(|(line, units, delivery)| Happening::GiveBack(line, units, delivery)),
        1 => Just(Happening::Complete),
        1 => Just(Happening::Cancel),
    ]
}

#[test]
fn orders_stock_and_money_agree_whatever_happens() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let shop = runtime.block_on(Shop::open());
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let lives = (
        proptest::collection::vec((0..4_usize, 1..4_i32), 1..4),
        proptest::collection::vec(happening(), 4..12),
    );
    let outcome = TestRunner::new(config)
        .run(&lives, |(lines, happenings)| runtime.block_on(live(&shop, &lines, &happenings)));
    outcome.unwrap();
    // A world that ends drops its database, and that needs the runtime.
    let _entered = runtime.enter();
    drop(shop);
}

async fn live(shop: &Shop, lines: &[(usize, i32)], happenings: &[Happening]) -> TestCaseResult {
    {
        let mut state = shop.them.state();
        for sku in ["A-1", "B-1", "C-1", "C-2"] {
            state.stock.insert(sku.to_owned(), UNITS);
        }
        state.returns.clear();
    }
    let lines: Vec<_> = lines.iter().map(|(sku, units)| (SKUS[*sku], *units)).collect();
    let order = shop.placed(shop.parcel(&lines)).await;
    check(shop, &order.order_id).await?;
    for happening in happenings {
        happen(shop, &order.order_id, happening).await;
        check(shop, &order.order_id).await?;
    }
    Ok(())
}

/// A refusal changes nothing; `check` sees to it.
async fn happen(shop: &Shop, order_id: &str, happening: &Happening) {
    let order = shop.order(order_id).await;
    let mut client = shop.client();
    let edit = |lines: Vec<pb::OrderLine>| shop.edit(&pb::Order { lines, ..order.clone() }, &["lines"]);
    let line_at = |at: usize| at % order.lines.len();
    let part_at =
        |at: usize| order.fulfilments.get(at % order.fulfilments.len().max(1)).cloned().unwrap_or_default();
    match happening {
        Happening::Resize(at, units) => {
            let mut lines = order.lines.clone();
            lines[line_at(*at)].ordered = *units;
            drop(client.update_order(edit(lines)).await);
        }
        Happening::Add(sku, units) => {
            let new = pb::OrderLine { sku: SKUS[*sku].to_owned(), ordered: *units, ..Default::default() };
            let lines = order.lines.iter().cloned().chain([new]).collect();
            drop(client.update_order(edit(lines)).await);
        }
        Happening::Remove(at) => {
            let mut lines = order.lines.clone();
            lines.remove(line_at(*at));
            drop(client.update_order(edit(lines)).await);
        }
        Happening::Readdress => drop(client.update_order(shop.edit(&order, &["delivery"])).await),
        Happening::Split(at, quantity) => {
            let line_id = order.lines[line_at(*at)].line_id.clone();
            let line = pb::FulfilmentLine { line_id, quantity: *quantity, ..Default::default() };
            drop(client.create_fulfilment(part(shop, &order, vec![line])).await);
        }
        Happening::SplitRest => drop(client.create_fulfilment(part(shop, &order, Vec::new())).await),
        Happening::Assemble => drop(shop.change_state(order_id, pb::OrderState::Assembling).await),
        Happening::Complete => {
            drop(shop.change_state(order_id, pb::OrderState::Delivery).await);
            drop(shop.change_state(order_id, pb::OrderState::Complete).await);
        }
        Happening::HandOver(at) => {
            let request = pb::ShipFulfilmentRequest {
                order_id: order_id.to_owned(),
                fulfilment_id: part_at(*at).fulfilment_id,
                idempotency_key: shop.key(),
            };
            drop(client.ship_fulfilment(request).await);
        }
        Happening::Deliver(at) => {
            let part = part_at(*at);
            if matches!(part.state(), pb::FulfilmentState::Booked | pb::FulfilmentState::Shipped) {
                if let Some(plan) = shop.them.state().plans.get_mut(&part.delivery_plan_id) {
                    plan.left = true;
                }
                shop.track(&order, &part.shipment_id, TrackingStatus::Delivered);
                shop.eventually(order_id, "the part is delivered", |order| {
                    order.fulfilments.iter().any(|one| {
                        one.fulfilment_id == part.fulfilment_id
                            && one.state() == pb::FulfilmentState::Delivered
                    })
                })
                .await;
            }
        }
        Happening::TakeBack(at) => {
            let request = pb::CancelFulfilmentRequest {
                order_id: order_id.to_owned(),
                fulfilment_id: part_at(*at).fulfilment_id,
                reason: String::new(),
                idempotency_key: shop.key(),
            };
            drop(client.cancel_fulfilment(request).await);
        }
        Happening::Redirect(at, price) => {
            let price = rpc::wire::money(Money::new("UAH".parse().unwrap(), *price));
            let request = pb::RedirectFulfilmentRequest {
                order_id: order_id.to_owned(),
                fulfilment_id: part_at(*at).fulfilment_id,
                delivery: Some(pb::NewDelivery { price: Some(price), ..crate::shop::courier() }),
                idempotency_key: shop.key(),
                ..Default::default()
            };
            drop(client.redirect_fulfilment(request).await);
        }
        Happening::Pay(minor) => pay(shop, &order, *minor).await,
        Happening::GiveBack(at, quantity, delivery) => {
            give_back(shop, &order, &order.lines[line_at(*at)], *quantity, *delivery).await;
        }
        Happening::Cancel => drop(shop.cancel(order_id).await),
    }
    for payment_id in &order.payment_ids {
        shop.tell_refunded(payment_id);
    }
}

fn part(shop: &Shop, order: &pb::Order, lines: Vec<pb::FulfilmentLine>) -> pb::CreateFulfilmentRequest {
    pb::CreateFulfilmentRequest {
        order_id: order.order_id.clone(),
        lines,
        idempotency_key: shop.key(),
        ..Default::default()
    }
}

/// Pays some of what the last open payment waits for.
async fn pay(shop: &Shop, order: &pb::Order, minor: i64) {
    let open = {
        let state = shop.them.state();
        let left = |id: &String| {
            let payment = &state.payments[id];
            if payment.voided { 0 } else { payment.amount - payment.captured }
        };
        order.payment_ids.iter().map(|id| (id.clone(), left(id))).rfind(|(_, left)| *left > 0)
    };
    if let Some((payment_id, left)) = open {
        shop.pay(&payment_id, minor.min(left));
    }
}

async fn give_back(shop: &Shop, order: &pb::Order, line: &pb::OrderLine, quantity: i32, delivery: bool) {
    let mut client = shop.client();
    let wish = pb::CreateReturnRequest {
        order_id: order.order_id.clone(),
        lines: vec![pb::NewReturnLine {
            line_id: line.line_id.clone(),
            quantity,
            reason: "changed_mind".to_owned(),
            ..Default::default()
        }],
        idempotency_key: shop.key(),
        ..Default::default()
    };
    let Ok(one) = client.create_return(wish).await else { return };
    let return_id = one.into_inner().return_id;
    let approve = pb::ApproveReturnRequest {
        return_id: return_id.clone(),
        idempotency_key: shop.key(),
        ..Default::default()
    };
    client.approve_return(approve).await.unwrap();
    let receive = pb::ReceiveReturnRequest {
        return_id: return_id.clone(),
        warehouse_id: types::WarehouseId::new().to_string(),
        lines: vec![pb::ReceivedUnits {
            position: 0,
            quantity,
            disposition: pb::ReturnDisposition::Sellable.into(),
            note: String::new(),
        }],
        idempotency_key: shop.key(),
        ..Default::default()
    };
    client.receive_return(receive).await.unwrap();
    let resolve = pb::ResolveReturnRequest {
        return_id,
        refund_delivery: delivery,
        idempotency_key: shop.key(),
        ..Default::default()
    };
    client.resolve_return(resolve).await.unwrap();
}

/// Once nothing runs any more and everything was heard of, everybody tells the same.
async fn check(shop: &Shop, order_id: &str) -> TestCaseResult {
    testing::eventually("nothing runs any more", async || {
        let running = "SELECT count(*) FROM sagas WHERE state IN ('running', 'unwinding')";
        (shop.count(running).await == 0).then_some(())
    })
    .await;
    let order = shop
        .eventually(order_id, "the money is heard of", |order| {
            let state = shop.them.state();
            let sum = |pick: fn(&crate::neighbours::Payment) -> i64| -> i64 {
                order.payment_ids.iter().map(|id| pick(&state.payments[id])).sum()
            };
            (minor(&order.paid), minor(&order.refunded)) == (sum(|one| one.captured), sum(|one| one.refunded))
        })
        .await;
    check_sums(&order)?;
    check_quantities(&order)?;
    check_stock(shop, &order)?;
    check_money(shop, &order)
}

fn check_sums(order: &pb::Order) -> TestCaseResult {
    let goods: i64 = order.lines.iter().map(|line| minor(&line.total)).sum();
    prop_assert_eq!(minor(&order.goods_total), goods);
    prop_assert_eq!(minor(&order.total), goods + minor(&order.delivery_total));
    let live = || order.fulfilments.iter().filter(|part| part.state() != pb::FulfilmentState::Cancelled);
    let delivery: i64 = live().map(|part| minor(&part.delivery_total)).sum();
    prop_assert!(delivery <= minor(&order.delivery_total));
    for line in &order.lines {
        let of_line = || live().flat_map(|part| part.lines.iter().map(move |one| (part.state(), one)));
        let of_line = || of_line().filter(|(_, one)| one.line_id == line.line_id);
        let shared: i64 = of_line().map(|(_, one)| minor(&one.total)).sum();
        let left = |state| matches!(state, pb::FulfilmentState::Shipped | pb::FulfilmentState::Delivered);
        let units: i32 =
            of_line().map(|(state, one)| if left(state) { one.shipped } else { one.quantity }).sum();
        prop_assert!(units <= line.ordered, "{} in parts of {}", units, line.ordered);
        prop_assert!(shared <= minor(&line.total));
        if units == line.ordered {
            prop_assert_eq!(shared, minor(&line.total), "the shares of all units are the line");
        }
        let shipped: i32 = of_line().map(|(_, one)| one.shipped).sum();
        prop_assert_eq!(shipped, line.shipped, "what left, left in parts");
    }
    Ok(())
}

fn check_quantities(order: &pb::Order) -> TestCaseResult {
    for line in &order.lines {
        prop_assert!(line.reserved >= 0 && line.reserved + line.shipped + line.cancelled <= line.ordered);
        prop_assert!(line.delivered <= line.shipped && line.returned <= line.shipped);
    }
    Ok(())
}

/// Units that `quantity` units of a line are in stock.
fn stock(line: &pb::OrderLine, quantity: i32, units: &mut BTreeMap<String, i64>) {
    if line.kind != "goods" {
        return;
    }
    match line.components.as_slice() {
        [] => *units.entry(line.sku.clone()).or_default() += i64::from(quantity),
        parts => {
            for part in parts {
                *units.entry(part.sku.clone()).or_default() += i64::from(quantity) * i64::from(part.quantity);
            }
        }
    }
}

fn check_stock(shop: &Shop, order: &pb::Order) -> TestCaseResult {
    let (mut reserved, mut shipped, mut returned) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for line in &order.lines {
        stock(line, line.reserved, &mut reserved);
        stock(line, line.shipped, &mut shipped);
        stock(line, line.returned, &mut returned);
    }
    let state = shop.them.state();
    let nothing = crate::neighbours::Reservation::default();
    let reservation = state.reservations.get(&order.reservation_id).unwrap_or(&nothing);
    for sku in ["A-1", "B-1", "C-1", "C-2"] {
        let ours = |units: &BTreeMap<String, i64>| units.get(sku).copied().unwrap_or_default();
        let held = reservation.held.get(sku).copied().unwrap_or_default();
        prop_assert_eq!(ours(&reserved), held, "held of {}", sku);
        prop_assert_eq!(ours(&shipped), ours(&reservation.shipped_units()), "shipped of {}", sku);
        let back: i64 = state
            .returns
            .values()
            .flat_map(|one| &one.lines)
            .filter(|line| line.sku == sku)
            .map(|line| line.quantity)
            .sum();
        prop_assert_eq!(ours(&returned), back, "returned of {}", sku);
        prop_assert_eq!(state.stock[sku] + held + ours(&shipped) - back, UNITS, "all units of {}", sku);
    }
    Ok(())
}

fn check_money(shop: &Shop, order: &pb::Order) -> TestCaseResult {
    let state = shop.them.state();
    let payments: Vec<_> = order.payment_ids.iter().map(|id| &state.payments[id]).collect();
    for payment in &payments {
        prop_assert!(payment.refunded <= payment.captured);
    }
    let due = minor(&order.total) - minor(&order.returned_total);
    prop_assert!(due >= 0, "not more is credited than it cost");
    let cancelled = order.state() == pb::OrderState::Cancelled;
    let kept = minor(&order.paid) - minor(&order.refunded);
    prop_assert_eq!(minor(&order.balance), if cancelled { 0 } else { due } - kept);
    if cancelled {
        prop_assert!(payments.iter().all(|payment| payment.voided) && kept == 0);
        return Ok(());
    }
    // Whoever owes can pay it.
    let open: i64 =
        payments.iter().filter(|one| !one.voided).map(|one| (one.amount - one.captured).max(0)).sum();
    prop_assert!(open >= minor(&order.balance).min(due), "{} open of {}", open, minor(&order.balance));
    Ok(())
}

fn minor(money: &Option<proto::r#type::v1::Money>) -> i64 {
    let Some(money) = money else { return 0 };
    Money::parse(&money.amount, money.currency_code.parse().unwrap()).unwrap().minor()
}
