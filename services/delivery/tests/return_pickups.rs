//! Returns that are fetched: they share the room of slots with deliveries.

use proto::delivery::v1 as pb;
use testing::refusal;
use tonic::Code;
use types::{ReturnId, ShopId};

use crate::slots::every_day;
use crate::{Answer, Yard, kyiv};

impl Yard {
    fn fetch(&self, method: &pb::DeliveryMethod, slot: &pb::DeliverySlot) -> pb::BookReturnPickupRequest {
        pb::BookReturnPickupRequest {
            return_id: ReturnId::new().to_string(),
            shop_id: self.shop.to_string(),
            delivery_method_id: method.delivery_method_id.clone(),
            slot_start_time: slot.start_time,
            address: Some(kyiv()),
            contact_name: "Olena Petrenko".to_owned(),
            contact_phone: "+380501234567".to_owned(),
        }
    }

    async fn book_return(&self, request: &pb::BookReturnPickupRequest) -> Answer<pb::ReturnPickup> {
        self.delivery().book_return_pickup(request.clone()).await
    }

    async fn cancel_return(&self, return_id: &str) -> Answer<pb::ReturnPickup> {
        let request = pb::CancelReturnPickupRequest { return_id: return_id.to_owned() };
        self.delivery().cancel_return_pickup(request).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_and_returns_share_a_slot() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(2)).await;
    let slots = yard.slots(&method, false).await;
    let request = yard.fetch(&method, &slots[0]);

    let booked = yard.book_return(&request).await.expect("books").into_inner();
    assert_eq!(yard.book_return(&request).await.expect("repeats").into_inner(), booked);
    assert_eq!((booked.slot_start_time, booked.slot_end_time), (slots[0].start_time, slots[0].end_time));
    yard.plan(&yard.wish_in(&method, &slots[0])).await.expect("plans");
    assert_eq!(yard.free(&method, &slots[0]).await, 0);
    assert_eq!(refusal(yard.plan(&yard.wish_in(&method, &slots[0])).await).reason, "SLOT_FULL");
    let full = refusal(yard.book_return(&yard.fetch(&method, &slots[0])).await);
    assert_eq!((full.code, full.reason.as_str()), (Code::FailedPrecondition, "SLOT_FULL"));

    let later = pb::BookReturnPickupRequest { slot_start_time: slots[1].start_time, ..request.clone() };
    yard.book_return(&later).await.expect("moves");
    assert_eq!([yard.free(&method, &slots[0]).await, yard.free(&method, &slots[1]).await], [1, 1]);
    let gone = yard.cancel_return(&request.return_id).await.expect("cancels").into_inner();
    assert_eq!(yard.cancel_return(&request.return_id).await.expect("repeats").into_inner(), gone);
    assert_eq!((gone.cancelled, yard.free(&method, &slots[1]).await), (true, 2));
    assert_eq!(refusal(yard.book_return(&later).await).reason, "RETURN_PICKUP_CANCELLED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_both_never_takes_more_than_there_is() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(5)).await;
    let slot = yard.slots(&method, false).await[0];
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..40 {
        let mut delivery = yard.delivery();
        let (wish, fetch) = (yard.wish_in(&method, &slot), yard.fetch(&method, &slot));
        calls.spawn(async move {
            match at % 2 {
                0 => delivery.plan_delivery(wish).await.map(drop),
                _ => delivery.book_return_pickup(fetch).await.map(drop),
            }
        });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    assert!(
        answers
            .into_iter()
            .filter_map(Result::err)
            .all(|refused| { rpc::reason(&refused).as_deref() == Some("SLOT_FULL") })
    );
    assert_eq!(yard.free(&method, &slot).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_return_is_fetched_once_however_often_it_is_booked_at_once() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(10)).await;
    let slots = yard.slots(&method, false).await;
    let request = yard.fetch(&method, &slots[0]);
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..8 {
        let mut delivery = yard.delivery();
        let request =
            pb::BookReturnPickupRequest { slot_start_time: slots[at % 2].start_time, ..request.clone() };
        calls.spawn(async move { delivery.book_return_pickup(request).await });
    }
    for answer in calls.join_all().await {
        answer.expect("books");
    }
    let free = [yard.free(&method, &slots[0]).await, yard.free(&method, &slots[1]).await];
    assert_eq!(free.iter().sum::<i32>(), 19, "{free:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_drive_see_what_they_fetch() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(10)).await;
    let slots = yard.slots(&method, false).await;
    let later = yard.book_return(&yard.fetch(&method, &slots[1])).await.expect("books").into_inner();
    let first = yard.book_return(&yard.fetch(&method, &slots[0])).await.expect("books").into_inner();
    let gone = yard.book_return(&yard.fetch(&method, &slots[0])).await.expect("books").into_inner();
    yard.cancel_return(&gone.return_id).await.expect("cancels");

    let list = async |request: pb::ListReturnPickupsRequest| {
        let listed = yard.partner_of(yard.shop).list_return_pickups(request).await.expect("lists");
        listed.into_inner().return_pickups
    };
    assert_eq!(list(Default::default()).await, [first.clone(), later.clone()]);
    let first_slot = pb::ListReturnPickupsRequest {
        delivery_method_id: method.delivery_method_id.clone(),
        from_time: slots[0].start_time,
        until_time: slots[1].start_time,
        include_cancelled: true,
        ..Default::default()
    };
    assert_eq!(list(first_slot).await.len(), 2);
    let stranger =
        yard.partner_of(ShopId::new()).list_return_pickups(pb::ListReturnPickupsRequest::default()).await;
    assert!(stranger.expect("lists").into_inner().return_pickups.is_empty());
    let request = pb::CancelReturnPickupRequest { return_id: first.return_id };
    let refused = refusal(yard.partner_of(ShopId::new()).cancel_return_pickup(request).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "RETURN_PICKUP_NOT_FOUND"));

    let client = yard.world.database("delivery").client().await;
    let told = "SELECT count(*) FROM audit_log WHERE changes::text ~ 'Petrenko|380501234567|Khreshchatyk'";
    assert_eq!(client.query_one(told, &[]).await.expect("looks").get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(1)).await;
    let slot = yard.slots(&method, false).await[0];
    let right = yard.fetch(&method, &slot);
    let wrong = pb::BookReturnPickupRequest {
        return_id: "ret_1".to_owned(),
        shop_id: String::new(),
        delivery_method_id: "x".to_owned(),
        slot_start_time: None,
        address: None,
        contact_name: String::new(),
        contact_phone: "\0".to_owned(),
    };
    let expected = [
        "return_id",
        "shop_id",
        "delivery_method_id",
        "slot_start_time",
        "address.city",
        "address.line",
        "contact_name",
        "contact_phone",
    ];
    assert_eq!(refusal(yard.book_return(&wrong).await).fields, expected);

    let mut counter = crate::courier("Counter", vec![crate::tariff("0.00", "UAH")]);
    counter.kind = pb::DeliveryKind::Pickup.into();
    counter.schedule = Some(every_day(1));
    let counter = yard.offer(counter).await;
    let at_the_counter =
        pb::BookReturnPickupRequest { delivery_method_id: counter.delivery_method_id, ..right.clone() };
    assert_eq!(refusal(yard.book_return(&at_the_counter).await).reason, "RETURNS_NOT_FETCHED");
    let mut between = right.clone();
    between.slot_start_time.as_mut().expect("a time").seconds += 1;
    assert_eq!(refusal(yard.book_return(&between).await).reason, "SLOT_NOT_OFFERED");
    let mut stranger = yard.partner_of(ShopId::new());
    assert_eq!(refusal(stranger.book_return_pickup(right).await).reason, "SHOP_NOT_FOUND");
}
