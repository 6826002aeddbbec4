//! Lists of reservations, and who sees what.

use proto::inventory::v1::{ListReservationsRequest, ReservationState, ReserveStockRequest};
use testing::refusal;
use types::{ReservationId, ShopId};

use crate::stockroom::{Client, Stockroom};

async fn ids(mut client: Client, mut request: ListReservationsRequest) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let page = client.list_reservations(request.clone()).await.unwrap().into_inner();
        ids.extend(page.reservations.into_iter().map(|reservation| reservation.reservation_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_newest_first_page_by_page_and_by_filter() {
    let (room, _) = Stockroom::with(&[("A-1", 10), ("B-2", 10)]).await;
    let mut made = Vec::new();
    for lines in [[("A-1", 1)], [("B-2", 1)], [("A-1", 2)]] {
        made.insert(0, room.reserve(&room.order(&lines)).await);
    }
    room.release(&made[0].reservation_id).await;
    let lacking = ReserveStockRequest { accept_shortage: true, ..room.order(&[("C-3", 1)]) };
    made.insert(0, room.reserve(&lacking).await);
    room.release(&ReservationId::new().to_string()).await;
    let expected =
        |places: &[usize]| places.iter().map(|at| made[*at].reservation_id.clone()).collect::<Vec<_>>();

    let all = ListReservationsRequest { page_size: 1, ..Default::default() };
    assert_eq!(ids(room.client(), all.clone()).await, expected(&[0, 1, 2, 3]), "and no tombstone");
    let held = ListReservationsRequest { state: ReservationState::Held.into(), ..all.clone() };
    assert_eq!(ids(room.client(), held).await, expected(&[0, 2, 3]));
    let of_sku = ListReservationsRequest { sku: "A-1".to_owned(), ..all.clone() };
    assert_eq!(ids(room.client(), of_sku).await, expected(&[1, 3]));
    let short_of = ListReservationsRequest { sku: "C-3".to_owned(), ..all.clone() };
    assert_eq!(ids(room.client(), short_of).await, expected(&[0]));
    let of_order = ListReservationsRequest { owner: made[2].owner.clone(), ..all };
    assert_eq!(ids(room.client(), of_order).await, expected(&[2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_sees_for_whom_until_when_and_by_whom() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let order = room.reserve(&room.order(&[("A-1", 1)])).await;
    room.hold("C-1", &[("A-1", 2)]).await;
    let of_sku = ListReservationsRequest { sku: "A-1".to_owned(), ..Default::default() };
    let found = room.client().list_reservations(of_sku).await.unwrap().into_inner().reservations;
    let who: Vec<_> = found
        .iter()
        .map(|one| (one.owner.as_str(), one.author.as_str(), one.expire_time.is_some()))
        .collect();
    assert_eq!(who, [("cart:C-1", "operator:test", true), (order.owner.as_str(), "operator:test", false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_sees_its_own() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let other = ShopId::new();
    let own = room.reserve(&room.order(&[("A-1", 1)])).await;
    let foreign = ReserveStockRequest { shop_id: other.to_string(), ..room.order(&[("A-1", 1)]) };
    let foreign = room.reserve(&foreign).await;
    assert_eq!(ids(room.partner(room.shop), Default::default()).await, [own.reservation_id]);
    assert_eq!(ids(room.partner(other), Default::default()).await, [foreign.reservation_id]);
    assert_eq!(ids(room.partner(ShopId::new()), Default::default()).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_a_filter() {
    let room = Stockroom::new().await;
    let wrong = ListReservationsRequest {
        state: 99,
        owner: "somebody".to_owned(),
        sku: " ".to_owned(),
        ..Default::default()
    };
    assert_eq!(refusal(room.client().list_reservations(wrong).await).fields, ["state", "owner", "sku"]);
}
