//! Two processes of the service on one database.

use std::time::Duration;

use futures_util::future::join_all;
use korob_inventory::Inventory;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use rpc::{Call, Caller, CallerKeys, Directory};
use service::Running;
use testing::eventually;

use crate::stockroom::{Client, Stockroom};

async fn second(room: &Stockroom) -> (Running, Client) {
    let directory = Directory::in_process(["inventory"], CallerKeys::random());
    let settings = store::Settings::at(room.world.database("inventory").url());
    let running =
        service::launch::<Inventory>(&settings, &directory, room.world.clock.clone(), b"another").await;
    let call = Call::begin(Caller::operator("test"), Duration::from_secs(20));
    (running.unwrap(), InventoryServiceClient::new(directory.channel("inventory").bind(&call)))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_sell_no_more_than_one() {
    let (room, _) = Stockroom::with(&[("HOT", 50), ("COLD", 1000)]).await;
    let (_running, other) = second(&room).await;
    let attempts = (0..200).map(|at| {
        let mut client = if at % 2 == 0 { room.client() } else { other.clone() };
        let order = room.order(&[("HOT", 1), ("COLD", 1)]);
        async move { client.reserve_stock(order).await }
    });
    let mut sold = 0;
    for answer in join_all(attempts).await {
        match answer {
            Ok(_) => sold += 1,
            Err(status) => assert_eq!(rpc::reason(&status).as_deref(), Some("OUT_OF_STOCK"), "{status:?}"),
        }
    }
    assert_eq!(sold, 50);
    assert_eq!((room.stock("HOT").await, room.stock("COLD").await), ((50, 50), (1000, 50)));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_at_two_replicas_is_held_once() {
    let (room, _) = Stockroom::with(&[("A-1", 1000)]).await;
    let (_running, other) = second(&room).await;
    for _ in 0..20 {
        let order = room.order(&[("A-1", 1)]);
        let (mut one, mut two) = (room.client(), other.clone());
        let answers = join_all([one.reserve_stock(order.clone()), two.reserve_stock(order)]).await;
        assert!(answers.into_iter().all(|answer| answer.is_ok()));
    }
    assert_eq!(room.stock("A-1").await, (1000, 20));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_expires_once() {
    let (room, _) = Stockroom::with(&[("A-1", 100)]).await;
    let (_running, _other) = second(&room).await;
    for at in 0..20 {
        room.hold(&format!("C-{at}"), &[("A-1", 1)]).await;
    }
    room.world.clock.advance(Duration::from_secs(3600));
    eventually("all holds expire", async || (room.stock("A-1").await == (100, 0)).then_some(())).await;
    assert_eq!(room.events("StockReleased").await, 20);
    room.assert_books_balance().await;
}
