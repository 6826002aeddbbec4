//! Slots of the shop's own courier: what is offered, taken, full and free again.

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use korob_delivery::model::schedule::{Schedule, Window};
use proto::delivery::v1::{self as pb, DeliveryKind, ShipmentState, TrackingStatus};
use testing::refusal;
use tonic::Code;
use types::{DeliveryPlanId, ShopId};

use crate::{Answer, Yard, courier, kyiv, money, tariff, utc};

/// From 10:00 to 14:00 and from 14:00 to 18:00 in Kyiv, every day; chosen at least an hour before.
pub fn every_day(capacity: i32) -> pb::DeliverySchedule {
    let window = |weekday, from: &str, until: &str| pb::DeliveryWindow {
        weekday,
        from: from.to_owned(),
        until: until.to_owned(),
        capacity,
        cut_off_minutes: 60,
    };
    pb::DeliverySchedule {
        time_zone: "Europe/Kyiv".to_owned(),
        windows: (1..=7)
            .flat_map(|day| [window(day, "10:00", "14:00"), window(day, "14:00", "18:00")])
            .collect(),
        ..Default::default()
    }
}

impl Yard {
    /// A courier who drives every day and takes so many parcels each time.
    pub async fn offer_slots(&self, schedule: pb::DeliverySchedule) -> pb::DeliveryMethod {
        let method = courier("Courier", vec![tariff("50.00", "UAH")]);
        self.offer(pb::DeliveryMethod { schedule: Some(schedule), ..method }).await
    }

    pub async fn slots(&self, method: &pb::DeliveryMethod, include_full: bool) -> Vec<pb::DeliverySlot> {
        let request = pb::ListDeliverySlotsRequest {
            delivery_method_id: method.delivery_method_id.clone(),
            include_full,
            page_size: 200,
            ..Default::default()
        };
        self.delivery().list_delivery_slots(request).await.expect("lists").into_inner().slots
    }

    /// How much of a slot is free.
    pub async fn free(&self, method: &pb::DeliveryMethod, slot: &pb::DeliverySlot) -> i32 {
        let slots = self.slots(method, true).await;
        slots.iter().find(|one| one.start_time == slot.start_time).expect("is offered").free
    }

    pub fn wish_in(&self, method: &pb::DeliveryMethod, slot: &pb::DeliverySlot) -> pb::PlanDeliveryRequest {
        pb::PlanDeliveryRequest { slot_start_time: slot.start_time, ..self.wish(method) }
    }

    async fn choose(
        &self,
        delivery_plan_id: &str,
        slot: Option<&pb::DeliverySlot>,
    ) -> Answer<pb::ChooseDeliverySlotResponse> {
        let request = pb::ChooseDeliverySlotRequest {
            delivery_plan_id: delivery_plan_id.to_owned(),
            slot_start_time: slot.and_then(|slot| slot.start_time),
        };
        self.delivery().choose_delivery_slot(request).await
    }
}

fn schedule(time_zone: &str, windows: &[(i32, i32, i32)]) -> Schedule {
    let windows = windows.iter().map(|(weekday, from_minute, until_minute)| Window {
        weekday: *weekday,
        from_minute: *from_minute,
        until_minute: *until_minute,
        capacity: 1,
        cut_off_minutes: 30,
    });
    Schedule {
        time_zone: time_zone.parse().expect("a time zone"),
        windows: windows.collect(),
        closed_dates: Default::default(),
        days_ahead: 8,
        slot_required: false,
    }
}

fn starts(schedule: &Schedule, now: &str) -> Vec<String> {
    schedule.slots(utc(now)).iter().map(|slot| slot.time.start.to_rfc3339()).collect()
}

#[test]
fn windows_follow_the_clock_of_the_shop() {
    // 22 November 2026 is a Sunday; Kyiv is two hours ahead.
    let sundays = schedule("Europe/Kyiv", &[(7, 14 * 60, 18 * 60), (7, 10 * 60, 14 * 60), (1, 0, 24 * 60)]);
    let all = [
        "2026-11-22T08:00:00+00:00",
        "2026-11-22T12:00:00+00:00",
        "2026-11-22T22:00:00+00:00",
        "2026-11-29T08:00:00+00:00",
        "2026-11-29T12:00:00+00:00",
    ];
    assert_eq!(starts(&sundays, "2026-11-22T07:30:00Z"), all, "until the cut-off, inclusive");
    assert_eq!(starts(&sundays, "2026-11-22T07:30:00.000001Z"), all[1..]);
    // It is Monday in Kyiv already, so that the eighth day is a Monday too.
    let from_monday = [&all[3..], &["2026-11-29T22:00:00+00:00"]].concat();
    assert_eq!(starts(&sundays, "2026-11-22T22:30:00Z"), from_monday);
    let whole_day = sundays.slot(utc(all[2]), utc("2026-11-22T07:30:00Z")).expect("a slot");
    assert_eq!(whole_day.time.end - whole_day.time.start, TimeDelta::hours(24));
    assert_eq!(sundays.slot(utc("2026-11-22T08:00:01Z"), utc("2026-11-22T07:00:00Z")), None);

    let closed =
        Schedule { closed_dates: [NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day")].into(), ..sundays };
    assert_eq!(starts(&closed, "2026-11-22T07:30:00Z"), all[2..]);
}

#[test]
fn what_the_clock_skips_does_not_take_place() {
    // 28 March 2027: 03:00 becomes 04:00 in Kyiv; 31 October 2027: 04:00 becomes 03:00.
    let nights = schedule("Europe/Kyiv", &[(7, 3 * 60 + 30, 5 * 60), (7, 2 * 60, 3 * 60 + 30)]);
    let spring = nights.slots(utc("2027-03-27T12:00:00Z"));
    let spring: Vec<String> = spring.iter().map(|slot| slot.time.start.to_rfc3339()).collect();
    assert_eq!(spring, ["2027-03-28T00:00:00+00:00"], "half past three does not exist");
    let autumn = nights.slots(utc("2027-10-30T12:00:00Z"));
    let autumn: Vec<String> = autumn.iter().map(|slot| slot.time.start.to_rfc3339()).collect();
    assert_eq!(
        autumn,
        ["2027-10-30T23:00:00+00:00", "2027-10-31T00:30:00+00:00"],
        "the first half past three"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_takes_a_slot_and_gives_it_back() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(2)).await;
    let slots = yard.slots(&method, false).await;
    let [first, second, ..] = slots.as_slice() else { panic!("{slots:?}") };
    assert_eq!((first.capacity, first.free), (2, 2));

    let one = yard.plan(&yard.wish_in(&method, first)).await.expect("plans").into_inner();
    assert_eq!((one.slot_start_time, one.slot_end_time), (first.start_time, first.end_time));
    assert_eq!(yard.free(&method, first).await, 1);
    let wish = yard.wish_in(&method, first);
    let two = yard.plan(&wish).await.expect("plans").into_inner();
    assert_eq!(yard.plan(&wish).await.expect("repeats").into_inner(), two);
    assert_eq!(yard.free(&method, first).await, 0);
    assert_eq!(yard.slots(&method, false).await[0].start_time, second.start_time);

    let refused_wish = yard.wish_in(&method, first);
    let full = refusal(yard.plan(&refused_wish).await);
    assert_eq!((full.code, full.reason.as_str()), (Code::FailedPrecondition, "SLOT_FULL"));
    let other_slot = pb::PlanDeliveryRequest { slot_start_time: second.start_time, ..wish.clone() };
    assert_eq!(refusal(yard.plan(&other_slot).await).reason, "PLAN_MISMATCH");
    let no_slot = pb::PlanDeliveryRequest { slot_start_time: None, ..wish };
    assert_eq!(refusal(yard.plan(&no_slot).await).reason, "PLAN_MISMATCH");

    yard.cancel(&one.delivery_plan_id).await.expect("cancels");
    yard.cancel(&one.delivery_plan_id).await.expect("repeats");
    assert_eq!(yard.free(&method, first).await, 1);
    // The id that was refused is as if it had never been used.
    yard.plan(&refused_wish).await.expect("plans");
    assert_eq!(yard.free(&method, first).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_plans_at_once_never_take_more_than_there_is() {
    const CAPACITY: usize = 7;
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(CAPACITY as i32)).await;
    let slots = yard.slots(&method, false).await;
    let without_slot = yard.offer_courier().await;

    let mut calls = tokio::task::JoinSet::new();
    for at in 0..100 {
        let mut delivery = yard.delivery();
        // Two slots, in the other order every time; those without one are not disturbed.
        let wish = match at % 10 {
            9 => yard.wish(&without_slot),
            _ => yard.wish_in(&method, &slots[at % 2]),
        };
        calls.spawn(async move { (at, delivery.plan_delivery(wish).await) });
    }
    let mut planned = [0_usize; 2];
    for (at, answer) in calls.join_all().await {
        match answer {
            Ok(_) if at % 10 == 9 => {}
            Ok(_) => planned[at % 2] += 1,
            Err(status) => assert_eq!(rpc::reason(&status).as_deref(), Some("SLOT_FULL"), "{at}"),
        }
    }

    assert_eq!(planned, [CAPACITY, CAPACITY]);
    let client = yard.world.database("delivery").client().await;
    let count = async |sql: &str| client.query_one(sql, &[]).await.expect("counts").get::<_, i64>(0);
    assert_eq!(count("SELECT sum(taken) FROM delivery_slots").await, 2 * CAPACITY as i64);
    assert_eq!(count("SELECT count(*) FROM plan_slots").await, 2 * CAPACITY as i64);
    assert_eq!(count("SELECT count(*) FROM delivery_plans").await, 2 * CAPACITY as i64 + 10);
    assert_eq!(count("SELECT count(*) FROM event_log").await, 2 * CAPACITY as i64 + 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_offered_can_be_chosen() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(1)).await;
    let first = yard.slots(&method, false).await[0];
    let reason = async |wish: &pb::PlanDeliveryRequest| refusal(yard.plan(wish).await).reason;

    let mut between = yard.wish_in(&method, &first);
    between.slot_start_time.as_mut().expect("a time").seconds += 60;
    assert_eq!(reason(&between).await, "SLOT_NOT_OFFERED");
    let without = yard.offer_courier().await;
    assert_eq!(reason(&yard.wish_in(&without, &first)).await, "SLOT_NOT_OFFERED");

    let start = rpc_time(first.start_time);
    let until_cut_off = start - TimeDelta::minutes(60) - yard.world.clock.now();
    yard.world.clock.advance(until_cut_off.to_std().expect("later") + std::time::Duration::from_secs(1));
    assert_eq!(reason(&yard.wish_in(&method, &first)).await, "SLOT_NOT_OFFERED", "its cut-off has passed");
    assert_ne!(yard.slots(&method, false).await[0].start_time, first.start_time);
}

fn rpc_time(time: Option<prost_types::Timestamp>) -> DateTime<Utc> {
    Utc.timestamp_opt(time.expect("a time").seconds, 0).single().expect("a time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_may_be_required() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(pb::DeliverySchedule { slot_required: true, ..every_day(1) }).await;
    assert_eq!(refusal(yard.plan(&yard.wish(&method)).await).reason, "SLOT_REQUIRED");
    let first = yard.slots(&method, false).await[0];
    let plan = yard.plan(&yard.wish_in(&method, &first)).await.expect("plans").into_inner();
    assert_eq!(refusal(yard.choose(&plan.delivery_plan_id, None).await).reason, "SLOT_REQUIRED");
    // Elsewhere nothing changes.
    let free = yard.offer_slots(every_day(1)).await;
    let plan = yard.plan(&yard.wish(&free)).await.expect("plans").into_inner();
    assert_eq!(plan.slot_start_time, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_moves_to_another_slot() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(1)).await;
    let slots = yard.slots(&method, false).await;
    let wish = yard.wish(&method);
    let plan = yard.plan(&wish).await.expect("plans").into_inner();
    let id = plan.delivery_plan_id.as_str();

    yard.choose(id, Some(&slots[0])).await.expect("chooses");
    let chosen = yard.choose(id, Some(&slots[0])).await.expect("repeats").into_inner();
    assert_eq!((chosen.slot_start_time, chosen.slot_end_time), (slots[0].start_time, slots[0].end_time));
    yard.choose(id, Some(&slots[1])).await.expect("moves");
    assert_eq!([yard.free(&method, &slots[0]).await, yard.free(&method, &slots[1]).await], [1, 0]);
    // What was wished is what it was planned with.
    assert_eq!(yard.plan(&wish).await.expect("repeats").into_inner().slot_start_time, slots[1].start_time);
    let booked = yard.book(&plan, types::ShipmentId::new()).await.expect("books").into_inner();
    assert_eq!((booked.slot_start_time, booked.slot_end_time), (slots[1].start_time, slots[1].end_time));

    let other = yard.plan(&yard.wish_in(&method, &slots[0])).await.expect("plans").into_inner();
    assert_eq!(refusal(yard.choose(id, Some(&slots[0])).await).reason, "SLOT_FULL");
    assert_eq!(yard.free(&method, &slots[1]).await, 0, "who is refused keeps what he has");
    yard.choose(id, None).await.expect("gives back");
    assert_eq!(yard.free(&method, &slots[1]).await, 1);
    let history = yard.history_of(id).await;
    assert_eq!(history.iter().filter(|action| *action == "delivery.choose_delivery_slot").count(), 3);

    let request = |id: &str| pb::ChooseDeliverySlotRequest {
        delivery_plan_id: id.to_owned(),
        slot_start_time: slots[2].start_time,
    };
    let mut stranger = yard.partner_of(ShopId::new());
    let foreign = refusal(stranger.choose_delivery_slot(request(id)).await);
    let absent = DeliveryPlanId::new().to_string();
    assert_eq!(foreign, refusal(yard.delivery().choose_delivery_slot(request(&absent)).await));
    assert_eq!((foreign.code, foreign.reason.as_str()), (Code::NotFound, "DELIVERY_PLAN_NOT_FOUND"));
    yard.cancel(&other.delivery_plan_id).await.expect("cancels");
    assert_eq!(refusal(yard.choose(&other.delivery_plan_id, Some(&slots[2])).await).reason, "PLAN_CANCELLED");
    yard.track(&booked, TrackingStatus::Delivered, 0).await.expect("tracks");
    assert_eq!(refusal(yard.choose(id, Some(&slots[2])).await).reason, "SHIPMENT_FINAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_swap_slots_do_not_wait_for_each_other() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(every_day(50)).await;
    let slots = yard.slots(&method, false).await;
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..20 {
        let plan = yard.plan(&yard.wish_in(&method, &slots[at % 2])).await.expect("plans").into_inner();
        let mut delivery = yard.delivery();
        let request = pb::ChooseDeliverySlotRequest {
            delivery_plan_id: plan.delivery_plan_id,
            slot_start_time: slots[(at + 1) % 2].start_time,
        };
        calls.spawn(async move { delivery.choose_delivery_slot(request).await.map(drop) });
    }
    for answer in calls.join_all().await {
        answer.expect("moves");
    }
    assert_eq!([yard.free(&method, &slots[0]).await, yard.free(&method, &slots[1]).await], [40, 40]);
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_come_in_pages() {
    let yard = Yard::in_the_morning().await;
    let method = yard.offer_slots(pb::DeliverySchedule { days_ahead: 3, ..every_day(1) }).await;
    let all = yard.slots(&method, false).await;
    assert_eq!(all.len(), 6, "two on each of three days: {all:?}");
    let mut request = pb::ListDeliverySlotsRequest {
        delivery_method_id: method.delivery_method_id.clone(),
        page_size: 2,
        ..Default::default()
    };
    let mut read = Vec::new();
    loop {
        let page = yard.delivery().list_delivery_slots(request.clone()).await.expect("lists").into_inner();
        read.extend(page.slots);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(read, all);

    let own = pb::DeliveryMethod { shop_id: yard.shop.to_string(), ..method };
    let own = yard
        .offer(pb::DeliveryMethod { delivery_method_id: String::new(), etag: String::new(), ..own })
        .await;
    let request =
        pb::ListDeliverySlotsRequest { delivery_method_id: own.delivery_method_id, ..Default::default() };
    yard.partner_of(yard.shop).list_delivery_slots(request.clone()).await.expect("lists");
    let foreign = refusal(yard.partner_of(ShopId::new()).list_delivery_slots(request).await);
    assert_eq!(foreign.reason, "DELIVERY_METHOD_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_shows_the_nearest_slot_and_leaves_out_what_cannot_be_kept() {
    let yard = Yard::in_the_morning().await;
    // Only today and tomorrow, so that it fills up.
    let required = pb::DeliverySchedule { slot_required: true, days_ahead: 2, ..every_day(1) };
    let method = yard.offer_slots(required).await;
    let open = yard.offer_slots(every_day(1)).await;
    let quote = async || {
        let request = pb::QuoteDeliveryRequest {
            address: Some(kyiv()),
            goods_total: Some(money("10.00", "UAH")),
            ..Default::default()
        };
        yard.delivery().quote_delivery(request).await.expect("quotes").into_inner().options
    };
    let options = quote().await;
    assert_eq!(options.iter().map(|option| option.slot_required).collect::<Vec<_>>(), [true, false]);
    let slots = yard.slots(&method, false).await;
    assert_eq!(options[0].nearest_slot, Some(slots[0]));

    for slot in &slots {
        assert_eq!(quote().await[0].nearest_slot.map(|nearest| nearest.start_time), Some(slot.start_time));
        yard.plan(&yard.wish_in(&method, slot)).await.expect("plans");
    }
    let options = quote().await;
    assert_eq!(options.len(), 1, "nobody can choose a slot of the first");
    assert_eq!(options[0].delivery_method_id, open.delivery_method_id);

    // The next day brings another one, until its cut-off.
    yard.world.clock.advance(std::time::Duration::from_secs(24 * 3600));
    assert_eq!(quote().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_kept_and_what_is_wrong_with_it_is_named() {
    let yard = Yard::in_the_morning().await;
    let kept =
        pb::DeliverySchedule { closed_dates: vec!["2026-12-25".to_owned()], days_ahead: 14, ..every_day(3) };
    let method = yard.offer_slots(kept.clone()).await;
    assert_eq!(method.schedule, Some(kept.clone()));

    let window = |weekday, from: &str, until: &str, capacity, cut_off_minutes| pb::DeliveryWindow {
        weekday,
        from: from.to_owned(),
        until: until.to_owned(),
        capacity,
        cut_off_minutes,
    };
    let wrong = pb::DeliverySchedule {
        time_zone: "Mars/Olympus".to_owned(),
        windows: vec![
            window(8, "10:00", "14:00", 1, 0),
            window(1, "9:00", "24:01", 0, -1),
            window(1, "14:00", "14:00", 1, 0),
            window(1, "14:00", "15:00", 1, 0),
            window(1, "24:00", "24:00", 1, 0),
        ],
        closed_dates: vec!["25.12.2026".to_owned()],
        days_ahead: 61,
        slot_required: false,
    };
    let update = pb::UpdateDeliveryMethodRequest {
        delivery_method: Some(pb::DeliveryMethod { schedule: Some(wrong), ..method.clone() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["schedule".to_owned()] }),
    };
    let refused = refusal(yard.delivery().update_delivery_method(update).await);
    let path = |rest: &str| format!("delivery_method.schedule.{rest}");
    let expected = [
        "time_zone",
        "windows[0].weekday",
        "windows[1].from",
        "windows[1].until",
        "windows[1].capacity",
        "windows[1].cut_off_minutes",
        "windows[2].until",
        "windows[3].from",
        "windows[4].from",
        "closed_dates[0]",
        "days_ahead",
    ];
    assert_eq!(refused.fields, expected.map(path));

    let none = pb::UpdateDeliveryMethodRequest {
        delivery_method: Some(pb::DeliveryMethod { schedule: None, ..method }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["schedule".to_owned()] }),
    };
    let without = yard.delivery().update_delivery_method(none).await.expect("updates").into_inner();
    assert_eq!(without.schedule, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_outside_has_no_slots() {
    let outside = crate::outside::Outside::parcel().await;
    let method = pb::DeliveryMethod {
        schedule: Some(every_day(1)),
        asks_for_code: true,
        ..crate::outside::method(&outside.account, "standard")
    };
    let request =
        pb::CreateDeliveryMethodRequest { delivery_method: Some(method), idempotency_key: "k".to_owned() };
    let refused = refusal(outside.yard.delivery().create_delivery_method(request).await);
    assert_eq!(refused.fields, ["delivery_method.schedule", "delivery_method.asks_for_code"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_not_offered() {
    let yard = Yard::in_the_morning().await;
    let size = |length_mm, width_mm, height_mm| pb::PieceSize { length_mm, width_mm, height_mm };
    let small = courier("Bicycle", vec![tariff("10.00", "UAH")]);
    let small = yard.offer(pb::DeliveryMethod { size_max: Some(size(400, 300, 200)), ..small }).await;
    yard.offer(courier("Van", vec![tariff("90.00", "UAH")])).await;
    let names = async |piece_sizes: Vec<pb::PieceSize>| {
        let request = pb::QuoteDeliveryRequest {
            address: Some(kyiv()),
            goods_total: Some(money("10.00", "UAH")),
            piece_sizes,
            ..Default::default()
        };
        let quoted = yard.delivery().quote_delivery(request).await.expect("quotes").into_inner();
        quoted.options.into_iter().map(|option| option.name).collect::<Vec<_>>()
    };
    assert_eq!(names(vec![]).await, ["Bicycle", "Van"], "what is not known does not rule out");
    assert_eq!(
        names(vec![size(200, 400, 300), size(1, 1, 1)]).await,
        ["Bicycle", "Van"],
        "turned, inclusive"
    );
    assert_eq!(names(vec![size(1, 1, 1), size(401, 10, 10)]).await, ["Van"]);

    let mut wish = yard.wish(&small);
    wish.items = vec![pb::PlannedItem {
        sku: "LAMP".to_owned(),
        name: "Lamp".to_owned(),
        quantity: 1,
        unit_price: Some(money("1040.00", "UAH")),
        weight_grams: 900,
        piece_size: Some(size(500, 100, 100)),
    }];
    assert_eq!(refusal(yard.plan(&wish).await).reason, "PIECE_TOO_LARGE");
    wish.items[0].piece_size = Some(size(400, 100, 100));
    let plan = yard.plan(&wish).await.expect("plans").into_inner();
    assert_eq!(plan.items, wish.items);
    assert_eq!(yard.plan(&wish).await.expect("repeats").into_inner(), plan);
    wish.items[0].piece_size = Some(size(0, 100_001, 1));
    let wrong = refusal(yard.plan(&wish).await).fields;
    assert_eq!(wrong, ["items[0].piece_size.length_mm", "items[0].piece_size.width_mm"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_has_slots_too() {
    let yard = Yard::in_the_morning().await;
    let counter = courier("Counter", vec![tariff("0.00", "UAH")]);
    let counter =
        pb::DeliveryMethod { kind: DeliveryKind::Pickup.into(), schedule: Some(every_day(1)), ..counter };
    let counter = yard.offer(counter).await;
    let first = yard.slots(&counter, false).await[0];
    let plan = yard.plan(&yard.wish_in(&counter, &first)).await.expect("plans").into_inner();
    let parcel = yard.book(&plan, types::ShipmentId::new()).await.expect("books").into_inner();
    assert_eq!((parcel.state(), parcel.slot_start_time), (ShipmentState::Booked, first.start_time));
    assert_eq!(rpc_time(first.start_time), utc("2027-01-13T08:00:00Z"));
}
