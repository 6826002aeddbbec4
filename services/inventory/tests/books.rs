//! Any mix of calls at once keeps the books, in the database.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use proto::inventory::v1::ReserveStockRequest;
use proto::inventory::v1::stock_adjustment::Change;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use testing::eventually;

use crate::stockroom::Stockroom;

const SKUS: [&str; 4] = ["A", "B", "C", "D"];
const WORKERS: u64 = 8;
const STEPS: usize = 40;
const REFUSALS: [&str; 6] = [
    "OUT_OF_STOCK",
    "STOCK_BELOW_ZERO",
    "RESERVATION_NOT_FOUND",
    "RESERVATION_RELEASED",
    "RESERVATION_SHIPPED",
    "CONTENTION",
];

/// What the workers share.
struct Play {
    room: Stockroom,
    warehouses: Vec<String>,
    reservations: Mutex<Vec<String>>,
}

impl Play {
    async fn step(&self, random: &mut StdRng) -> Result<(), tonic::Status> {
        let warehouse = self.warehouses.choose(random).unwrap();
        let mut line = || (*SKUS.choose(random).unwrap(), random.random_range(1..6));
        let lines = [line(), line(), line()];
        let room = &self.room;
        match random.random_range(0..10) {
            0 => drop(room.client().receive_stock(room.receipt(warehouse, &lines)).await?),
            1 => {
                let change = match random.random() {
                    true => Change::Counted(random.random_range(0..30)),
                    false => Change::Delta(random.random_range(1..8) - 9),
                };
                drop(room.client().adjust_stock(room.correction(warehouse, &[(lines[0].0, change)])).await?);
            }
            2..=4 => {
                let order = ReserveStockRequest { accept_shortage: random.random(), ..room.order(&lines) };
                self.reservations.lock().unwrap().push(order.reservation_id.clone());
                room.try_reserve(order).await?;
            }
            5 => {
                let hold = room
                    .client()
                    .hold_cart(room.cart(&format!("C-{}", random.random::<u32>()), &lines))
                    .await?
                    .into_inner();
                self.reservations.lock().unwrap().push(hold.reservation_id);
            }
            6 => room.world.clock.advance(Duration::from_secs(120)),
            ending => {
                let any = self.reservations.lock().unwrap().choose(random).cloned();
                let Some(id) = any else { return Ok(()) };
                drop(if ending == 7 { room.try_ship(&id).await? } else { room.try_release(&id).await? });
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn books_balance_whatever_is_done_at_once() {
    let (room, main) = Stockroom::with(&[("A", 50), ("B", 50), ("C", 50)]).await;
    let warehouses = vec![main, room.warehouse("Second").await];
    let play = Play { room, warehouses, reservations: Mutex::default() };
    let seed: u64 = rand::random();
    println!("seed {seed}");

    let workers = (0..WORKERS).map(async |worker| {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(worker));
        for _ in 0..STEPS {
            if let Err(status) = play.step(&mut random).await {
                let reason = rpc::reason(&status).unwrap_or_default();
                assert!(REFUSALS.contains(&reason.as_str()), "{status:?}");
            }
        }
    });
    join_all(workers).await;
    // An order that met the first receipt of its SKU in a warehouse is covered by the clock.
    eventually("nobody is overlooked", async || (play.room.overlooked().await == 0).then_some(())).await;
    play.room.assert_books_balance().await;

    play.room.world.clock.advance(Duration::from_secs(3600));
    let holds = "SELECT count(*) FROM reservations WHERE state = 'held' AND expire_time IS NOT NULL";
    eventually("all holds expire", async || (play.room.number(holds).await == 0).then_some(())).await;
    play.room.assert_books_balance().await;
    let doubled = "SELECT count(*) - count(DISTINCT (aggregate_id, version)) FROM event_log";
    assert_eq!(play.room.number(doubled).await, 0);
}
