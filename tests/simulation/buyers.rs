//! Buyers: they order, repeat what they asked until they are told, pay, change their minds; and those who serve them.

use std::sync::Arc;
use std::time::Duration;

use korob_orders::model::order_state::OrderState;
use korob_orders::model::origin::PaymentMethod;
use tokio::time::sleep;
use tonic::{Code, Status};
use types::{DeliveryPlanId, Money, OrderId, PaymentId};

use crate::day::Shop;
use crate::history::Heard;
use crate::money;
use crate::network::ask;
use crate::order_tables::Wanted;
use crate::stock_tables::{SKUS, price_of, sku};
use crate::world::{World, currency};

const PATIENCE: Duration = Duration::from_secs(6);
/// How keys of cancellations begin that are for want of payment.
pub const OVERDUE: &str = "overdue";
const DELIVERY_MINOR: i64 = 5_000;

/// One buyer's day.
pub async fn buy(world: Arc<World>, number: usize) {
    world.history.lock().busy += 1;
    sleep(world.chance.millis(1, 15_000)).await;
    let key = format!("buyer-{number}");
    let wanted = wanted(&world);
    let heard = Heard { wanted: wanted.clone(), acknowledged: Vec::new(), cancelled: false };
    world.history.lock().heard.insert(key.clone(), heard);

    if let Some(order_id) = place(&world, &key, &wanted).await {
        let cancel = world.chance.likely(0.35);
        let overdue = world.shop() == Shop::GivesUp && world.chance.likely(0.5);
        let name = if overdue { OVERDUE } else { "cancel" };
        tokio::join!(
            async {
                if wanted.payment_method == PaymentMethod::Card {
                    pay(&world, &key, order_id).await;
                }
            },
            async {
                if cancel {
                    sleep(world.chance.millis(1, 12_000)).await;
                    self::cancel(&world, &format!("{name}-{number}"), &key, order_id).await;
                }
            },
            async {
                if wanted.delivers && world.chance.likely(0.1) {
                    sleep(world.chance.millis(1, 12_000)).await;
                    send_parcel(&world, &key, order_id);
                }
            },
        );
    }
    world.history.lock().busy -= 1;
}

fn wanted(world: &World) -> Wanted {
    let chance = &world.chance;
    let lines: Vec<_> = (0..=chance.below(3))
        .map(|_| {
            let known = if chance.likely(0.04) { 3 } else { chance.below(3) };
            (sku(SKUS[known]), i32::try_from(chance.between(1, 4)).unwrap_or(1))
        })
        .collect();
    let delivers = chance.likely(0.5);
    let goods: i64 = lines
        .iter()
        .map(|(sku, units)| price_of(world, sku).map_or(0, |price| price.minor() * i64::from(*units)))
        .sum();
    let seen = goods + if delivers { DELIVERY_MINOR } else { 0 };
    let card = chance.likely(0.65);
    Wanted {
        lines,
        payment_method: if card { PaymentMethod::Card } else { PaymentMethod::CashOnDelivery },
        accept_shortage: chance.likely(0.35),
        one_warehouse: chance.likely(0.3),
        delivers,
        expected_total: chance.likely(0.7).then_some(seen),
    }
}

/// Asks until he is told, under one key. Answers the order if it was placed.
async fn place(world: &Arc<World>, key: &str, wanted: &Wanted) -> Option<OrderId> {
    let mut placed = None;
    let mut more = world.chance.below(2);
    for _ in 0..12 {
        if world.is_healed() {
            break;
        }
        match order(world, key, wanted).await {
            Ok((order_id, state)) => {
                note_acknowledged(world, key, order_id);
                placed = Some(order_id).filter(|_| state != OrderState::Rejected);
                if more == 0 {
                    break;
                }
                // His browser sends it once more.
                more -= 1;
            }
            Err(status) if rpc::is_unknown_outcome(&status) => {}
            Err(status) => world.history.lock().wrong.push(format!("{key}: {status}")),
        }
        sleep(world.chance.millis(50, 2_500)).await;
    }
    if placed.is_some() && world.chance.likely(0.2) {
        order_something_else(world, key, wanted).await;
    }
    placed
}

async fn order(world: &Arc<World>, key: &str, wanted: &Wanted) -> Result<(OrderId, OrderState), Status> {
    let desk = any_desk(world);
    let process = desk.as_ref().map(|desk| desk.process.clone());
    let (name, wanted) = (key.to_owned(), wanted.clone());
    let placing = async move {
        match desk {
            Some(desk) => desk.place(name, wanted).await.map(|order| (order.order_id, order.state)),
            None => Err(Status::unavailable("nobody")),
        }
    };
    ask(world, key, process, "place", PATIENCE, placing).await
}

/// The same key for another order is refused.
async fn order_something_else(world: &Arc<World>, key: &str, wanted: &Wanted) {
    let mut other = wanted.clone();
    other.lines.push((sku(SKUS[0]), 77));
    let answer = order(world, key, &other).await;
    let refused = answer
        .as_ref()
        .is_err_and(|status| status.code() == Code::AlreadyExists || rpc::is_unknown_outcome(status));
    if !refused {
        world.history.lock().wrong.push(format!("{key}: another order under the same key is not refused"));
    }
}

fn note_acknowledged(world: &World, key: &str, order_id: OrderId) {
    if let Some(heard) = world.history.lock().heard.get_mut(key) {
        heard.acknowledged.push(order_id);
    }
}

/// Pays by card, more than once if he must; the shop captures, and sometimes gives something back.
async fn pay(world: &Arc<World>, key: &str, order_id: OrderId) {
    let payment_id = PaymentId::derived(order_id.uuid(), 0);
    for attempt in 0..=world.chance.below(3) {
        sleep(world.chance.millis(50, 5_000)).await;
        let card = format!("{key}-card-{attempt}");
        // Each confirmation may be sent twice, under its key.
        for _ in 0..=world.chance.below(2) {
            if world.is_healed() {
                return;
            }
            let (process, card) = (world.cashier.lock().clone(), card.clone());
            let confirming = with(process.clone(), move |process| money::confirm(process, payment_id, card));
            // Declined, or not: the next try tells.
            let _ = ask(world, key, process, "pay", PATIENCE, confirming).await;
        }
    }
    serve(world, key, payment_id).await;
}

async fn serve(world: &Arc<World>, key: &str, payment_id: PaymentId) {
    if world.chance.likely(0.6) && !world.is_healed() {
        sleep(world.chance.millis(100, 6_000)).await;
        let process = world.cashier.lock().clone();
        let capturing = match world.chance.likely(0.5) {
            true => {
                Box::pin(with(process.clone(), move |process| money::capture(process, payment_id))) as Work
            }
            false => {
                Box::pin(with(process.clone(), move |process| money::let_goods_leave(process, payment_id)))
            }
        };
        let _ = ask(world, key, process, "capture", PATIENCE, capturing).await;
    }
    if world.chance.likely(0.4) {
        return;
    }
    // Two refunds: each is less than what was paid, both may be more.
    for number in 0..2 {
        sleep(world.chance.millis(100, 5_000)).await;
        let captured = world.money.lock().payment(payment_id).map_or(0, |payment| payment.captured.minor());
        if captured == 0 || world.is_healed() {
            return;
        }
        let amount = Money::new(currency(), world.chance.between(captured / 3, captured));
        let refund = format!("{key}-refund-{number}");
        for _ in 0..=world.chance.below(2) {
            let (process, refund) = (world.cashier.lock().clone(), refund.clone());
            let refunding =
                with(process.clone(), move |process| money::refund(process, payment_id, amount, refund));
            let _ = ask(world, key, process, "refund", PATIENCE, refunding).await;
        }
    }
}

type Work = std::pin::Pin<Box<dyn Future<Output = Result<(), Status>> + Send>>;

/// The work of a process that may not be there.
async fn with<F>(
    process: Option<Arc<crate::process::Process>>,
    work: impl FnOnce(Arc<crate::process::Process>) -> F,
) -> Result<(), Status>
where
    F: Future<Output = Result<(), Status>>,
{
    match process {
        Some(process) => work(process).await,
        None => Err(Status::unavailable("nobody")),
    }
}

/// Parcels are sent of placed orders only.
fn send_parcel(world: &World, key: &str, order_id: OrderId) {
    let state = world.orders.lock().orders.get(&order_id).map(|order| order.state);
    if state == Some(OrderState::New) {
        world.note(format_args!("the parcel of {key} leaves"));
        world.plans.lock().hand_over(DeliveryPlanId::derived(order_id.uuid(), 0));
    }
}

/// Asks until he is told.
async fn cancel(world: &Arc<World>, cancel_key: &str, key: &str, order_id: OrderId) {
    for _ in 0..8 {
        if world.is_healed() {
            return;
        }
        let desk = any_desk(world);
        let process = desk.as_ref().map(|desk| desk.process.clone());
        let name = cancel_key.to_owned();
        let cancelling = async move {
            match desk {
                Some(desk) => desk.cancel(name, order_id).await,
                None => Err(Status::unavailable("nobody")),
            }
        };
        match ask(world, key, process, "cancel", PATIENCE, cancelling).await {
            Ok(()) => {
                if let Some(heard) = world.history.lock().heard.get_mut(key) {
                    heard.cancelled = true;
                }
                return;
            }
            Err(status) if rpc::is_unknown_outcome(&status) => {}
            Err(_) => return,
        }
        sleep(world.chance.millis(100, 3_000)).await;
    }
}

fn any_desk(world: &World) -> Option<Arc<crate::order_desk::OrderDesk>> {
    let desks = world.desks.lock();
    let count = desks.len();
    if count == 0 { None } else { desks.values().nth(world.chance.below(count)).cloned() }
}
