//! Holds for carts.

use proto::inventory::v1::{HoldCartRequest, ReservationState};
use testing::{World, refusal};
use tonic::Code;
use types::ShopId;

use crate::stockroom::{Stockroom, held};

#[tokio::test(flavor = "multi_thread")]
async fn holds_units_for_a_quarter_of_an_hour() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let hold = room.hold("C-1", &[("A-1", 3)]).await;
    assert_eq!((hold.state(), hold.owner.as_str()), (ReservationState::Held, "cart:C-1"));
    assert_eq!(held(&hold), [("A-1", 3)]);
    let (made, ends) = (hold.create_time.unwrap(), hold.expire_time.unwrap());
    assert!((899..=900).contains(&(ends.seconds - made.seconds)));
    assert_eq!(room.stock("A-1").await, (10, 3));
    assert_eq!((room.events("StockReserved").await, room.history("hold_cart").await), (1, 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_holds_once() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let cart = room.cart("C-1", &[("A-1", 3)]);
    let first = room.client().hold_cart(cart.clone()).await.unwrap().into_inner();
    let again = room.client().hold_cart(cart.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(room.stock("A-1").await, (10, 3));
    let other = HoldCartRequest { hold_seconds: 60, ..cart };
    assert_eq!(refusal(room.client().hold_cart(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_hold_does_not_use_up_its_key() {
    let (room, main) = Stockroom::with(&[("A-1", 1)]).await;
    let cart = room.cart("C-1", &[("A-1", 3)]);
    let refused = refusal(room.client().hold_cart(cart.clone()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "OUT_OF_STOCK"));
    room.receive(&main, &[("A-1", 2)]).await;
    room.client().hold_cart(cart).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_holds_for_its_own_shops() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let unnamed = HoldCartRequest { shop_id: String::new(), ..room.cart("C-1", &[("A-1", 1)]) };
    let hold = room.partner(room.shop).hold_cart(unnamed.clone()).await.unwrap().into_inner();
    assert_eq!(hold.shop_id, room.shop.to_string());

    let foreign = refusal(room.partner(ShopId::new()).hold_cart(room.cart("C-1", &[("A-1", 1)])).await);
    assert_eq!((foreign.code, foreign.reason.as_str()), (Code::NotFound, "SHOP_NOT_FOUND"));
    let several = World::partner(&[room.shop, ShopId::new()], &["inventory.hold"]);
    assert_eq!(refusal(room.client_as(several).hold_cart(unnamed).await).fields, ["shop_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_a_hold() {
    let room = Stockroom::new().await;
    for hold_seconds in [-1, 59, 3601] {
        let wrong = HoldCartRequest { hold_seconds, ..HoldCartRequest::default() };
        let refused = refusal(room.client().hold_cart(wrong).await);
        assert_eq!(refused.fields, ["idempotency_key", "cart_id", "shop_id", "lines", "hold_seconds"]);
    }
    let control = room.cart("C\n1", &[("A-1", 1)]);
    assert_eq!(refusal(room.client().hold_cart(control).await).fields, ["cart_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_and_a_shop_hold_so_much_and_no_more() {
    let (room, _) = Stockroom::with(&[("A-1", 100)]).await;
    let mut last = room.hold("C-1", &[("A-1", 1)]).await;
    for _ in 1..20 {
        last = room.hold("C-1", &[("A-1", 1)]).await;
    }
    let status = room.client().hold_cart(room.cart("C-1", &[("A-1", 1)])).await.unwrap_err();
    assert_eq!(
        (status.code(), rpc::reason(&status).unwrap().as_str()),
        (Code::ResourceExhausted, "TOO_MANY_HOLDS")
    );
    assert_eq!(rpc::metadata(&status)["limit"], "20");
    room.hold("C-2", &[("A-1", 1)]).await;
    room.client()
        .release_hold(proto::inventory::v1::ReleaseHoldRequest { reservation_id: last.reservation_id })
        .await
        .unwrap();
    room.hold("C-1", &[("A-1", 1)]).await;
    assert_eq!(room.stock("A-1").await, (100, 21));

    let many =
        "INSERT INTO reservations (reservation_id, owner, shop_id, state, expire_time, create_time, version)
                SELECT gen_random_uuid(), 'cart:' || n, shop_id, 'held', now() + interval '1 year', now(), 1
                FROM reservations, generate_series(1, 500) n";
    room.world.database("inventory").client().await.batch_execute(many).await.unwrap();
    let full = refusal(room.client().hold_cart(room.cart("C-3", &[("A-1", 1)])).await);
    assert_eq!(full.reason, "TOO_MANY_HOLDS", "11,000 holds of the shop");
}
