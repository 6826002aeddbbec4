//! What happens to everybody: processes are killed, neighbours go away, prices and clocks move, goods come.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

use crate::process::Process;
use crate::stock;
use crate::world::World;

const NEIGHBOURS: [&str; 6] = ["inventory", "delivery", "catalog", "customers", "payments", "card provider"];

/// Begins all of it; it ends when everything is healed.
pub fn begin(world: &Arc<World>) {
    tokio::spawn(kills(world.clone()));
    tokio::spawn(sleeps(world.clone()));
    tokio::spawn(outages(world.clone()));
    tokio::spawn(prices(world.clone()));
    tokio::spawn(leases(world.clone()));
    tokio::spawn(goods(world.clone()));
}

/// Sleeps for twice `seconds` at most; false when there is no more trouble.
async fn next(world: &World, seconds: i64) -> bool {
    if seconds == 0 {
        return false;
    }
    sleep(world.chance.millis(1, seconds * 2_000)).await;
    !world.is_healed()
}

async fn kills(world: Arc<World>) {
    while next(&world, world.weather().kill_period_s).await {
        if let Some(process) = any_process(&world) {
            process.die();
        }
    }
}

async fn sleeps(world: Arc<World>) {
    while next(&world, world.weather().sleep_period_s).await {
        if let Some(process) = any_process(&world) {
            process.fall_asleep(world.chance.millis(1_000, 16_000));
        }
    }
}

fn any_process(world: &World) -> Option<Arc<Process>> {
    let desks = world.desks.lock();
    let processes = desks.values().map(|desk| desk.process.clone()).chain(world.cashier.lock().clone());
    let processes: Vec<_> = processes.collect();
    if processes.is_empty() { None } else { Some(processes[world.chance.below(processes.len())].clone()) }
}

async fn outages(world: Arc<World>) {
    while next(&world, world.weather().outage_period_s).await {
        let who = NEIGHBOURS[world.chance.below(NEIGHBOURS.len())];
        world.note(format_args!("{who} goes away"));
        world.down.lock().insert(who);
        sleep(world.chance.millis(100, 6_000)).await;
        world.note(format_args!("{who} is back"));
        world.down.lock().remove(who);
    }
}

async fn prices(world: Arc<World>) {
    while world.weather().prices_move && next(&world, 4).await {
        let more = world.chance.between(1, 500);
        world.note(format_args!("prices rise by {more}"));
        world.count("prices that rose");
        world.price_list.fetch_add(more, Ordering::Relaxed);
    }
}

/// The database's clock jumps past the leases: sagas are taken over from processes that live.
async fn leases(world: Arc<World>) {
    while world.weather().leases_jump && next(&world, 4).await {
        world.note(format_args!("leases run out"));
        world.leases_ahead_ms.fetch_add(world.chance.between(8_000, 20_000), Ordering::Relaxed);
    }
}

async fn goods(world: Arc<World>) {
    while next(&world, 6).await {
        let (sku, warehouse_id) = {
            let stock = world.stock.lock();
            let level = &stock.levels[world.chance.below(stock.levels.len())];
            (level.sku.clone(), level.warehouse_id)
        };
        let units = world.chance.between(1, 4);
        world.note(format_args!("{units} {sku} come"));
        let _ = stock::receive(&world, &sku, warehouse_id, units);
    }
}

/// How long there is trouble.
pub const TROUBLE: Duration = Duration::from_secs(25);
