//! Holding stock for orders: all lines or none, never more than there is.

use futures_util::future::join_all;
use proto::inventory::v1::{ReservationState, ReserveStockRequest};
use testing::refusal;
use tonic::Code;
use types::{OrderId, ShopId, WarehouseId};

use crate::stockroom::{Stockroom, held, quantities, short, sources};

#[tokio::test(flavor = "multi_thread")]
async fn holds_all_lines() {
    let (room, _) = Stockroom::with(&[("A-1", 10), ("B-2", 5)]).await;
    let order = room.order(&[("B-2", 5), ("A-1", 1), ("A-1", 2)]);
    let reservation = room.reserve(&order).await;

    assert_eq!(
        (reservation.state(), reservation.owner.as_str()),
        (ReservationState::Held, order.owner.as_str())
    );
    assert_eq!(held(&reservation), [("A-1", 3), ("B-2", 5)]);
    assert_eq!((room.stock("A-1").await, room.stock("B-2").await), ((10, 3), (5, 5)));
    assert_eq!((room.events("StockReserved").await, room.history("reserve_stock").await), (1, 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_nothing_when_something_is_missing() {
    let (room, _) = Stockroom::with(&[("A-1", 10), ("B-2", 1)]).await;
    let status =
        room.try_reserve(room.order(&[("A-1", 1), ("B-2", 2), ("C-3", 1), ("B-2", 1)])).await.unwrap_err();

    assert_eq!(
        (status.code(), rpc::reason(&status).unwrap().as_str()),
        (Code::FailedPrecondition, "OUT_OF_STOCK")
    );
    assert_eq!(status.message(), "B-2: 1 available, 3 wanted; C-3: 0 available, 1 wanted");
    let facts = rpc::metadata(&status);
    assert_eq!((facts["B-2"].as_str(), facts["C-3"].as_str(), facts.len()), ("3/1", "1/0", 2));
    assert_eq!(room.stock("A-1").await, (10, 0));
    assert_eq!((room.events("StockReserved").await, room.history("reserve_stock").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_missing_skus_are_still_an_answer() {
    let room = Stockroom::new().await;
    let skus: Vec<String> = (0..1000).map(|at| format!("{}-{at}", "Я".repeat(60))).collect();
    let lines: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 1)).collect();
    let status = room.try_reserve(room.order(&lines)).await.unwrap_err();
    assert_eq!(rpc::reason(&status).unwrap(), "OUT_OF_STOCK");
    assert!((1..1000).contains(&rpc::metadata(&status).len()));
    assert!(status.details().len() < 8192);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_order_holds_what_there_is() {
    let (room, _) = Stockroom::with(&[("A-1", 2)]).await;
    let order = ReserveStockRequest { accept_shortage: true, ..room.order(&[("A-1", 3), ("B-2", 1)]) };
    let reservation = room.reserve(&order).await;
    assert_eq!(held(&reservation), [("A-1", 2)]);
    assert_eq!(short(&reservation), [("A-1", 3, 2), ("B-2", 1, 0)]);
    assert_eq!(room.reserve(&order).await, reservation);
    assert_eq!(room.reservation(&order.reservation_id).await, reservation);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_warehouse_for_the_whole_order_comes_before_several() {
    let room = Stockroom::new().await;
    let (first, second) = (room.warehouse("First").await, room.warehouse("Second").await);
    room.receive(&first, &[("A-1", 2), ("B-2", 1)]).await;
    room.receive(&second, &[("A-1", 3), ("B-2", 3)]).await;

    let whole = room.reserve(&room.order(&[("A-1", 2), ("B-2", 2)])).await;
    assert_eq!(sources(&whole), [(second.as_str(), 2), (second.as_str(), 2)]);
    let oldest = room.reserve(&room.order(&[("A-1", 1)])).await;
    assert_eq!(sources(&oldest), [(first.as_str(), 1)]);
    let split = room.reserve(&room.order(&[("A-1", 2)])).await;
    assert_eq!(sources(&split), [(first.as_str(), 1), (second.as_str(), 1)]);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shops_order_of_warehouses_is_kept() {
    let room = Stockroom::new().await;
    let (first, second) = (room.warehouse("First").await, room.warehouse("Second").await);
    let closed = room.archived_warehouse("Closed").await;
    for warehouse in [&first, &second, &closed] {
        room.receive(warehouse, &[("A-1", 5)]).await;
    }

    let from = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<Vec<_>>();
    let preferred =
        ReserveStockRequest { warehouse_ids: from(&[&second, &first]), ..room.order(&[("A-1", 1)]) };
    assert_eq!(sources(&room.reserve(&preferred).await), [(second.as_str(), 1)]);
    let only = ReserveStockRequest { warehouse_ids: from(&[&closed, &second]), ..room.order(&[("A-1", 5)]) };
    let status = room.try_reserve(only).await.unwrap_err();
    assert_eq!(rpc::metadata(&status)["A-1"], "5/4");
    let unknown = ReserveStockRequest {
        warehouse_ids: vec![WarehouseId::new().to_string()],
        ..room.order(&[("A-1", 1)])
    };
    let refused = refusal(room.try_reserve(unknown).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "WAREHOUSE_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_same_reservation() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.order(&[("A-1", 2), ("A-1", 1)]);
    let first = room.reserve(&order).await;
    let again = room.reserve(&order).await;
    let summed =
        room.reserve(&ReserveStockRequest { lines: quantities(&[("A-1", 3)]), ..order.clone() }).await;
    assert_eq!((&first, &first), (&again, &summed));
    room.ship(&first.reservation_id).await;
    assert_eq!(room.reserve(&order).await.state(), ReservationState::Shipped);
    assert_eq!((room.events("StockReserved").await, room.history("reserve_stock").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_for_something_else_is_refused() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.order(&[("A-1", 3)]);
    room.reserve(&order).await;
    let others = [
        ReserveStockRequest { lines: quantities(&[("A-1", 4)]), ..order.clone() },
        ReserveStockRequest { owner: OrderId::new().to_string(), ..order.clone() },
        ReserveStockRequest { shop_id: ShopId::new().to_string(), ..order.clone() },
    ];
    for other in others {
        let refused = refusal(room.try_reserve(other).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::AlreadyExists, "RESERVATION_MISMATCH"));
    }
    assert_eq!(room.stock("A-1").await, (10, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_reservation_stays_released() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.order(&[("A-1", 3)]);
    room.reserve(&order).await;
    room.release(&order.reservation_id).await;
    let refused = refusal(room.try_reserve(order).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "RESERVATION_RELEASED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_an_order() {
    let (room, main) = Stockroom::with(&[("A-1", 10)]).await;
    let wrong = ReserveStockRequest {
        reservation_id: "res_1".to_owned(),
        owner: "cart:1".to_owned(),
        shop_id: String::new(),
        lines: Vec::new(),
        warehouse_ids: vec![main.clone(), "x".to_owned(), main],
        split: 9,
        ..ReserveStockRequest::default()
    };
    let refused = refusal(room.try_reserve(wrong).await);
    let expected =
        ["reservation_id", "owner", "shop_id", "lines", "warehouse_ids[1]", "warehouse_ids[2]", "split"];
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, expected.map(str::to_owned).to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn is_for_the_suite_only() {
    let room = Stockroom::new().await;
    let refused = refusal(room.partner(room.shop).reserve_stock(room.order(&[("A-1", 1)])).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "INTERNAL_METHOD"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_sell_a_hundred_units_exactly() {
    let (room, _) = Stockroom::with(&[("HOT", 100)]).await;
    let clients = (0..64).map(async |_| {
        let mut sold = 0;
        for _ in 0..10 {
            match room.try_reserve(room.order(&[("HOT", 1)])).await {
                Ok(_) => sold += 1,
                Err(status) => {
                    assert_eq!(rpc::reason(&status).as_deref(), Some("OUT_OF_STOCK"), "{status:?}")
                }
            }
        }
        sold
    });
    let sold: i64 = join_all(clients).await.into_iter().sum();
    assert_eq!(sold, 100);
    assert_eq!(room.stock("HOT").await, (100, 100));
    assert_eq!((room.events("StockReserved").await, room.history("reserve_stock").await), (100, 100));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_in_opposite_order_never_block_each_other() {
    let (room, _) = Stockroom::with(&[("A-1", 1000), ("B-2", 1000)]).await;
    let clients = (0..32).map(async |at| {
        for _ in 0..6 {
            let lines = if at % 2 == 0 { [("A-1", 1), ("B-2", 1)] } else { [("B-2", 1), ("A-1", 1)] };
            if at % 4 < 2 {
                room.reserve(&room.order(&lines)).await;
            } else {
                room.hold(&format!("C-{at}"), &lines).await;
            }
        }
    });
    join_all(clients).await;
    assert_eq!((room.stock("A-1").await, room.stock("B-2").await), ((1000, 192), (1000, 192)));
    assert_eq!(
        room.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await,
        0
    );
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_repeats_at_once_hold_once() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.order(&[("A-1", 2)]);
    let answers = join_all((0..20).map(|_| room.try_reserve(order.clone()))).await;
    let first = room.reservation(&order.reservation_id).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().into_inner() == first));
    assert_eq!(room.stock("A-1").await, (10, 2));
    assert_eq!(room.events("StockReserved").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_cannot_stand_spoils_nobody_else() {
    let (room, _) = Stockroom::with(&[("A-1", 100), ("POISON", 100)]).await;
    let database = room.world.database("inventory").client().await;
    let poison = "ALTER TABLE reservation_lines ADD CONSTRAINT poison CHECK (sku <> 'POISON')";
    database.batch_execute(poison).await.unwrap();

    let attempts = (0..40).map(async |at| {
        let order = if at % 10 == 5 { room.order(&[("POISON", 1)]) } else { room.order(&[("A-1", 1)]) };
        room.try_reserve(order).await
    });
    let refused: Vec<_> = join_all(attempts).await.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 4);
    assert!(refused.iter().all(|status| status.code() == Code::Internal));
    assert_eq!((room.stock("A-1").await, room.stock("POISON").await), ((100, 36), (100, 0)));
    room.assert_books_balance().await;
}
