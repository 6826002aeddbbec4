//! One reservation, and who sees it.

use proto::inventory::v1::GetReservationRequest;
use testing::refusal;
use types::{ReservationId, ShopId};

use crate::stockroom::{Client, Stockroom};

async fn refused(mut client: Client, reservation_id: &str) -> (tonic::Code, String, String) {
    let status =
        client.get_reservation(GetReservationRequest { reservation_id: reservation_id.to_owned() }).await;
    let status = status.unwrap_err();
    (status.code(), rpc::reason(&status).unwrap_or_default(), status.message().replace(reservation_id, "…"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_reservation_answers_like_an_absent_one() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let reservation = room.reserve(&room.order(&[("A-1", 3)])).await;
    let request = GetReservationRequest { reservation_id: reservation.reservation_id.clone() };
    let own = room.partner(room.shop).get_reservation(request).await.unwrap().into_inner();
    assert_eq!(own, reservation);

    let foreign = refused(room.partner(ShopId::new()), &reservation.reservation_id).await;
    let absent = refused(room.partner(ShopId::new()), &ReservationId::new().to_string()).await;
    assert_eq!(foreign, absent);
    assert_eq!((foreign.0, foreign.1.as_str()), (tonic::Code::NotFound, "RESERVATION_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_is_nobodys() {
    let room = Stockroom::new().await;
    let id = ReservationId::new().to_string();
    room.release(&id).await;
    assert_eq!(room.reservation(&id).await.reservation_id, id);
    assert_eq!(refused(room.partner(room.shop), &id).await.1, "RESERVATION_NOT_FOUND");
    assert_eq!(
        refusal(room.client().get_reservation(GetReservationRequest::default()).await).fields,
        ["reservation_id"]
    );
}
