//! What orders learns from the logs of payments and inventory: each event once, with the cursor in the commit of its effect.

use std::sync::Arc;
use std::time::Duration;

use korob_orders::model::order::Order;
use types::OrderId;

use crate::network::{call, commit};
use crate::process::Process;
use crate::world::World;

const PERIOD: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(2);
const PAGE: usize = 16;

/// What an event does to its order.
type Effect = Arc<dyn Fn(&mut Order) + Send + Sync>;

/// Keeps what was paid for orders, and given back.
pub async fn payments(process: Arc<Process>) {
    follow(process, "payments", |world, from| {
        let money = world.money.lock();
        let page = money.log.iter().skip(from).take(PAGE);
        page.map(|event| {
            let news = event.news.clone();
            let effect: Effect = Arc::new(move |order| {
                if let Some(news) = &news {
                    order.follow_payment(news.clone());
                }
            });
            (Some(event.order_id), effect)
        })
        .collect()
    })
    .await
}

/// Keeps what inventory holds for orders, and what is short.
pub async fn stock(process: Arc<Process>) {
    follow(process, "inventory", |world, from| {
        let stock = world.stock.lock();
        let page = stock.log.iter().skip(from).take(PAGE);
        page.map(|event| {
            let held = event.held.clone();
            let effect: Effect = Arc::new(move |order| order.follow_stock(held.clone()));
            (event.order_id, effect)
        })
        .collect()
    })
    .await
}

/// Some events of a log from a position on, each with the order it is about.
type Page = fn(&World, usize) -> Vec<(Option<OrderId>, Effect)>;

async fn follow(process: Arc<Process>, log: &'static str, page: Page) {
    loop {
        process.rest(PERIOD).await;
        let from = cursor(&process.world, log);
        if page(&process.world, from).is_empty() {
            continue;
        }
        let events = call(&process, log, "events", PATIENCE, move |world| Ok(page(world, from))).await;
        for ((order_id, effect), at) in events.unwrap_or_default().into_iter().zip(from..) {
            if apply(&process, log, at, order_id, effect).await.is_err() {
                break;
            }
        }
    }
}

async fn apply(
    process: &Process,
    log: &'static str,
    at: usize,
    order_id: Option<OrderId>,
    effect: Effect,
) -> Result<(), tonic::Status> {
    if process.world.has("events.cursor_skips") {
        commit(process, "a cursor", |world| move_on(world, log, at).map(drop)).await?;
        return commit(process, "an event", |world| change(world, order_id, &effect)).await;
    }
    commit(process, &format!("an event of {log}"), |world| match move_on(world, log, at)? {
        Turn::Ours => change(world, order_id, &effect),
        Turn::Others => Ok(()),
    })
    .await
}

enum Turn {
    Ours,
    Others,
}

fn move_on(world: &World, log: &'static str, at: usize) -> Result<Turn, tonic::Status> {
    let mut orders = world.orders.lock();
    let cursor = orders.cursors.entry(log).or_default();
    if *cursor != at {
        return Ok(Turn::Others);
    }
    *cursor = at + 1;
    Ok(Turn::Ours)
}

fn change(world: &World, order_id: Option<OrderId>, effect: &Effect) -> Result<(), tonic::Status> {
    let mut orders = world.orders.lock();
    let before = order_id.and_then(|order_id| orders.orders.get(&order_id).cloned());
    if let Some(before) = before {
        let mut after = before.clone();
        effect(&mut after);
        orders.save(&before, after);
    }
    Ok(())
}

/// Up to where a log was followed.
pub fn cursor(world: &World, log: &str) -> usize {
    world.orders.lock().cursors.get(log).copied().unwrap_or_default()
}
