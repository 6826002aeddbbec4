//! Parts that are sent another way before they leave: the old parcel is given up, the new one is booked, and the difference is on
//! the order; or all of it stays as it was.

use proto::delivery::v1::TrackingStatus;
use proto::orders::v1 as pb;
use proto::orders::v1::FulfilmentState;
use tonic::{Code, Response, Status};

use crate::neighbours::Failure;
use crate::shop::{Shop, courier, facts, refusal, uah};

/// What may be refused before the old parcel is given up.
const STEPS: [&str; 2] = ["PlanDelivery", "ChangePaymentAmount"];

/// The part at `at`, to Odesa from now on.
fn to_odesa(shop: &Shop, order: &pb::Order, at: usize) -> pb::RedirectFulfilmentRequest {
    let mut delivery = courier();
    delivery.address.as_mut().unwrap().city = "Одеса".to_owned();
    pb::RedirectFulfilmentRequest {
        order_id: order.order_id.clone(),
        fulfilment_id: order.fulfilments[at].fulfilment_id.clone(),
        delivery: Some(delivery),
        idempotency_key: shop.key(),
        ..Default::default()
    }
}

async fn redirect(
    shop: &Shop,
    request: pb::RedirectFulfilmentRequest,
) -> Result<Response<pb::Order>, Status> {
    shop.client().redirect_fulfilment(request).await
}

/// An order of 250.00 whose parcel is booked, in a shop where the courier costs 80.00 from now on.
async fn booked(shop: &Shop) -> pb::Order {
    let order = shop.placed(shop.parcel(&[("A-1", 2)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    shop.them.state().tariff = Some("80.00");
    part_booked(shop, &order.order_id, 0).await
}

async fn part_booked(shop: &Shop, order_id: &str, at: usize) -> pb::Order {
    let booked = |order: &pb::Order| {
        order.fulfilments.get(at).is_some_and(|part| part.state() == FulfilmentState::Booked)
    };
    shop.eventually(order_id, "the parcel is booked", booked).await
}

fn live_plans(shop: &Shop) -> Vec<String> {
    let state = shop.them.state();
    state.plans.iter().filter(|(_, plan)| !plan.cancelled).map(|plan| plan.0.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booked_parcel_is_sent_elsewhere_and_the_difference_is_on_the_order() {
    let shop = Shop::open().await;
    let before = booked(&shop).await;
    let request = to_odesa(&shop, &before, 0);

    let shown =
        redirect(&shop, pb::RedirectFulfilmentRequest { dry_run: true, ..request.clone() }).await.unwrap();
    assert_eq!(shop.order(&before.order_id).await, before, "a preview changes nothing");
    assert_eq!(shop.them.calls("CancelDelivery"), 0);
    let after = redirect(&shop, request.clone()).await.unwrap().into_inner();

    let shown = shown.into_inner();
    assert_eq!((shown.total.clone(), shown.balance.clone()), (after.total.clone(), after.balance.clone()));
    assert_eq!((after.delivery_total.clone(), after.total.clone()), (uah("80.00"), uah("280.00")));
    assert_eq!(after.balance, uah("280.00"));
    let [old, new] = after.fulfilments.as_slice() else { panic!("two parts") };
    assert_eq!((old.state(), new.state()), (FulfilmentState::Cancelled, FulfilmentState::Booking));
    assert_eq!(
        (new.lines.clone(), new.goods_total.clone()),
        (before.fulfilments[0].lines.clone(), uah("200.00"))
    );
    assert_eq!(
        (new.delivery_total.clone(), new.cash_on_delivery_amount.clone()),
        (uah("80.00"), uah("280.00"))
    );
    let delivery = after.delivery.clone().unwrap();
    assert_eq!(
        (delivery.address.unwrap().city.as_str(), delivery.method_name.as_str()),
        ("Одеса", "Courier")
    );
    assert_eq!(after.delivery_plan_id, new.delivery_plan_id);
    assert_eq!(redirect(&shop, request).await.unwrap().into_inner(), after, "a repeat gets the same answer");

    let done = part_booked(&shop, &before.order_id, 1).await;
    let parcels: Vec<_> = done.fulfilments.iter().map(|part| part.tracking_number.as_str()).collect();
    assert!(parcels[0] != parcels[1] && parcels.iter().all(|number| !number.is_empty()), "{parcels:?}");
    {
        let state = shop.them.state();
        assert!(state.plans[&before.delivery_plan_id].cancelled, "the old waybill is cancelled");
        let plan = &state.plans[&new.delivery_plan_id];
        assert_eq!(
            (plan.price.as_str(), plan.request.address.clone().unwrap().city.as_str()),
            ("80.00", "Одеса")
        );
        assert_eq!(plan.request.cash_on_delivery_amount, uah("280.00"));
        let payment = &state.payments[&before.payment_id];
        let told = payment.receipt_lines.last().and_then(|line| line.amount.clone());
        assert_eq!((payment.amount, told), (28_000, uah("80.00")));
        assert_eq!(state.stock["A-1"], 8, "the goods stay held");
    }
    assert_eq!(live_plans(&shop), std::slice::from_ref(&new.delivery_plan_id));
    assert_eq!(shop.count("SELECT count(*) FROM order_edits").await, 0);

    let changes = shop.last_changes(&before.order_id, "orders.redirect_fulfilment").await;
    let find = |field: &str| changes.iter().find(|change| change.0 == field).map(|change| change.2.clone());
    assert_eq!(find("total"), Some(serde_json::json!("280.00")));
    assert!(find("delivery.address").is_some_and(|digest| digest.as_str().unwrap().starts_with("sha256:")));
    for (table, column) in [("event_log", "body"), ("sagas", "input")] {
        assert_eq!(shop.rows_with(table, column, "Одеса").await, 0, "{table}");
    }
    // From now on it is an order like any other.
    shop.track(&done, &done.fulfilments[1].shipment_id, TrackingStatus::Delivered);
    let complete = |order: &pb::Order| order.state() == pb::OrderState::Complete;
    let complete = shop.eventually(&before.order_id, "it is complete", complete).await;
    assert_eq!((complete.lines[0].delivered, complete.lines[0].shipped), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_stays_and_the_difference_is_opened_or_owed() {
    let shop = Shop::open().await;
    let order = booked(&shop).await;
    shop.pay(&order.payment_id, 25_000);
    let paid = shop.eventually(&order.order_id, "it is paid", |order| order.balance == uah("0.00")).await;

    let dearer = redirect(&shop, to_odesa(&shop, &paid, 0)).await.unwrap().into_inner();

    assert_eq!((dearer.balance.clone(), dearer.payment_ids.len()), (uah("30.00"), 2));
    assert_eq!(dearer.fulfilments[1].cash_on_delivery_amount, uah("30.00"), "the carrier takes what is owed");
    let extra = dearer.payment_ids[1].clone();
    assert_eq!(shop.them.state().payments[&extra].amount, 3_000);

    part_booked(&shop, &order.order_id, 1).await;
    let mut request = to_odesa(&shop, &dearer, 1);
    request.delivery.as_mut().unwrap().price = uah("10.00");
    let mut partner = shop.partner(&[shop.shop_id], &["orders.write"]);
    let refused = testing::refusal(partner.redirect_fulfilment(request.clone()).await);
    assert_eq!(refused.fields, ["delivery.price"]);
    let cheaper = redirect(&shop, request).await.unwrap().into_inner();

    assert_eq!((cheaper.total.clone(), cheaper.balance.clone()), (uah("210.00"), uah("-40.00")));
    assert_eq!(cheaper.fulfilments[2].cash_on_delivery_amount, uah("0.00"));
    let state = shop.them.state();
    assert!(state.payments[&extra].voided, "nobody pays it any more");
    assert_eq!(state.payments[&order.payment_id].refunded, 0, "given back only when asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_part_of_two_goes_its_own_way() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 3)])).await;
    let part = |quantity| pb::CreateFulfilmentRequest {
        order_id: order.order_id.clone(),
        lines: vec![pb::FulfilmentLine {
            line_id: order.lines[0].line_id.clone(),
            quantity,
            ..Default::default()
        }],
        idempotency_key: shop.key(),
        ..Default::default()
    };
    shop.client().create_fulfilment(part(1)).await.unwrap();
    let both = shop.client().create_fulfilment(part(2)).await.unwrap().into_inner();
    shop.them.state().tariff = Some("80.00");

    let after = redirect(&shop, to_odesa(&shop, &both, 1)).await.unwrap().into_inner();

    assert_eq!((after.delivery_total.clone(), after.total.clone()), (uah("130.00"), uah("430.00")));
    assert_eq!(after.fulfilments[0], both.fulfilments[0], "the other part goes as it was to go");
    assert_eq!(after.delivery.unwrap().address.unwrap().city, "Київ");
    let new = &after.fulfilments[2];
    assert_eq!((new.state(), new.delivery_total.clone()), (FulfilmentState::Open, uah("80.00")));
    assert_eq!(new.cash_on_delivery_amount, uah("280.00"));
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    part_booked(&shop, &order.order_id, 0).await;
    part_booked(&shop, &order.order_id, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_left_or_cannot_be_cancelled_stays_as_it_was() {
    let shop = Shop::open().await;
    let before = booked(&shop).await;
    let request = to_odesa(&shop, &before, 0);

    shop.them.state().plans.get_mut(&before.delivery_plan_id).unwrap().left = true;
    let late = redirect(&shop, request.clone()).await;
    assert_eq!(
        (refusal(&late).code, refusal(&late).reason.as_str()),
        (Code::FailedPrecondition, "SHIPMENT_LEFT")
    );
    shop.them.state().plans.get_mut(&before.delivery_plan_id).unwrap().left = false;
    // Not reached first, then refused: nothing was given up, and all of it is taken back.
    shop.them.fail("CancelDelivery", [Failure::Unavailable, Failure::Refuse("CARRIER_REFUSES")]);
    let refused = redirect(&shop, request.clone()).await;
    assert_eq!(refusal(&refused).reason, "CARRIER_REFUSES");

    assert_eq!(shop.order(&before.order_id).await, before);
    assert_eq!(live_plans(&shop), std::slice::from_ref(&before.delivery_plan_id));
    assert_eq!(shop.them.state().payments[&before.payment_id].amount, 25_000);
    assert_eq!(shop.count("SELECT count(*) FROM order_edits").await, 0);
    // The cause is gone, and the same call succeeds.
    let after = redirect(&shop, request).await.unwrap().into_inner();
    assert_eq!(after.total, uah("280.00"));

    let gone = part_booked(&shop, &before.order_id, 1).await;
    shop.track(&gone, &gone.fulfilments[1].shipment_id, TrackingStatus::PickedUp);
    let left = |order: &pb::Order| order.fulfilments[1].state() == FulfilmentState::Shipped;
    shop.eventually(&before.order_id, "it has left", left).await;
    let asked = shop.them.calls("CancelDelivery");
    let late = redirect(&shop, to_odesa(&shop, &gone, 1)).await;
    assert_eq!(
        (refusal(&late).reason.as_str(), facts(&late)["state"].as_str()),
        ("SHIPMENT_LEFT", "shipped")
    );
    assert_eq!(shop.them.calls("CancelDelivery"), asked, "nobody is asked about what is known to have left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_step_changes_nothing() {
    for step in STEPS {
        let shop = Shop::open().await;
        let before = booked(&shop).await;
        shop.them.fail(step, [Failure::AnswerLost, Failure::Refuse("NOT_TODAY")]);

        let refused = testing::refusal(redirect(&shop, to_odesa(&shop, &before, 0)).await);

        assert_eq!(refused.reason, "NOT_TODAY", "{step}");
        assert_eq!(shop.order(&before.order_id).await, before, "{step}");
        assert_eq!(live_plans(&shop), std::slice::from_ref(&before.delivery_plan_id), "{step}");
        assert_eq!(shop.them.state().payments[&before.payment_id].amount, 25_000, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_old_parcel_is_gone_it_goes_forward_only() {
    for step in STEPS {
        let shop = Shop::open().await;
        let before = booked(&shop).await;
        shop.them.fail("CancelDelivery", [Failure::AnswerLost]);
        shop.them.fail(step, [Failure::Pass, Failure::Refuse("NOT_TODAY"), Failure::Refuse("NOR_NOW")]);

        let after = redirect(&shop, to_odesa(&shop, &before, 0)).await.unwrap().into_inner();

        assert!(shop.them.state().failures[step].is_empty(), "{step} was refused twice");
        assert_eq!(after.total, uah("280.00"), "{step}");
        assert_eq!(live_plans(&shop), std::slice::from_ref(&after.delivery_plan_id), "{step}");
        assert_eq!(shop.them.state().payments[&before.payment_id].amount, 28_000, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_the_carrier_takes_all_the_same_has_left_as_it_was() {
    let shop = Shop::open().await;
    let before = booked(&shop).await;
    // It is given up, and before anybody hears of that the carrier tells that he has it.
    let unheard = [Failure::AnswerLost].into_iter().chain(std::iter::repeat_n(Failure::Unavailable, 4));
    shop.them.fail("CancelDelivery", unheard);
    let (mut client, request) = (shop.client(), to_odesa(&shop, &before, 0));
    let redirecting = tokio::spawn(async move { client.redirect_fulfilment(request).await });
    testing::eventually("it is given up", async || (shop.them.calls("CancelDelivery") > 0).then_some(()))
        .await;
    shop.track(&before, &before.fulfilments[0].shipment_id, TrackingStatus::PickedUp);

    let refused = testing::refusal(redirecting.await.unwrap());

    assert_eq!(refused.reason, "SHIPMENT_LEFT");
    let now = shop.order(&before.order_id).await;
    assert_eq!((now.fulfilments.len(), now.fulfilments[0].state()), (1, FulfilmentState::Shipped));
    assert_eq!((now.total.clone(), now.balance.clone()), (uah("250.00"), uah("250.00")));
    assert_eq!(shop.them.state().payments[&before.payment_id].amount, 25_000);
    assert!(live_plans(&shop).is_empty(), "the new way is given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_never_costs_less_than_was_credited() {
    let shop = Shop::open().await;
    let before = booked(&shop).await;
    // As after a return of all the goods and their delivery.
    let credited = "INSERT INTO order_progress (order_id, returned_total) SELECT order_id, 25000 FROM orders
                    ON CONFLICT (order_id) DO UPDATE SET returned_total = excluded.returned_total";
    let database = shop.world.database("orders").client().await;
    database.batch_execute(credited).await.unwrap();
    let mut cheaper = to_odesa(&shop, &before, 0);
    cheaper.delivery.as_mut().unwrap().price = uah("49.99");

    for dry_run in [true, false] {
        let request = pb::RedirectFulfilmentRequest { dry_run, ..cheaper.clone() };
        let refused = redirect(&shop, request).await;
        assert_eq!(refusal(&refused).reason, "BELOW_CREDITED");
        assert_eq!(facts(&refused)["credited"], facts(&refused)["total"].replace("249.99", "250.00"));
    }
    assert_eq!(shop.them.calls("CancelDelivery"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused() {
    let shop = Shop::open().await;
    let before = booked(&shop).await;
    let right = to_odesa(&shop, &before, 0);
    let reason = async |request| testing::refusal(redirect(&shop, request).await).reason;

    let none = pb::RedirectFulfilmentRequest { delivery: None, ..right.clone() };
    assert_eq!(testing::refusal(redirect(&shop, none).await).fields, ["delivery"]);
    let malformed = pb::RedirectFulfilmentRequest { fulfilment_id: "ful_7".to_owned(), ..right.clone() };
    assert_eq!(testing::refusal(redirect(&shop, malformed).await).fields, ["fulfilment_id"]);
    let mut dollars = right.clone();
    dollars.delivery.as_mut().unwrap().price =
        Some(proto::r#type::v1::Money { amount: "1.00".to_owned(), currency_code: "USD".to_owned() });
    assert_eq!(testing::refusal(redirect(&shop, dollars).await).fields, ["delivery.price"]);
    let fulfilment_id = types::FulfilmentId::new().to_string();
    let unknown = pb::RedirectFulfilmentRequest { fulfilment_id, ..right.clone() };
    assert_eq!(reason(unknown).await, "FULFILMENT_NOT_FOUND");
    let old = pb::RedirectFulfilmentRequest { etag: "0".to_owned(), ..right.clone() };
    assert_eq!(reason(old).await, "ETAG_MISMATCH");
    let mut nowhere = right.clone();
    nowhere.delivery.as_mut().unwrap().address.as_mut().unwrap().city = "Nowhere".to_owned();
    assert_eq!(reason(nowhere).await, "DELIVERY_UNAVAILABLE");
    let (other_shop, _) = shop.add_shop();
    let mut stranger = shop.partner(&[other_shop], &["orders.write"]);
    let foreign = testing::refusal(stranger.redirect_fulfilment(right.clone()).await);
    assert_eq!(foreign.reason, "ORDER_NOT_FOUND");

    shop.cancel(&before.order_id).await.unwrap();
    assert_eq!(reason(right).await, "ORDER_STATE");
}
