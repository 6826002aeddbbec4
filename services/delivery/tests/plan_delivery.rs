//! Planning the delivery of an order.

use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use rpc::{Actor, Caller, Shops};
use testing::{World, refusal};
use tonic::Code;
use types::{DeliveryMethodId, OrderId, ShopId};

use crate::{Yard, courier, money, tariff};

#[tokio::test(flavor = "multi_thread")]
async fn the_price_is_that_of_the_first_tariff_that_fits() {
    let yard = Yard::open().await;
    let mut free = tariff("0.00", "UAH");
    free.goods_total_min = Some(money("5000.00", "UAH"));
    let mut in_town = tariff("40.00", "UAH");
    in_town.cities = vec!["КИЇВ".to_owned()];
    let method = yard.offer(courier("Courier", vec![free, in_town, tariff("70.00", "UAH")])).await;
    let request = yard.wish(&method);

    let plan = yard.plan(&request).await.expect("plans").into_inner();

    assert_eq!(plan.price, Some(money("40.00", "UAH")));
    assert_eq!((plan.method_name.as_str(), plan.cancelled), ("Courier", false));
    assert_eq!(
        (plan.address.as_ref(), &plan.recipient_phone),
        (request.address.as_ref(), &request.recipient_phone)
    );
    assert_eq!(yard.events_of(&plan.delivery_plan_id).await, ["1 DeliveryPlanned"]);
    assert_eq!(yard.history_of(&plan.delivery_plan_id).await, ["delivery.plan_delivery"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_finds_the_plan_whatever_became_of_the_method() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    let request = yard.wish(&method);
    let first = yard.plan(&request).await.expect("plans").into_inner();
    let client = yard.world.database("delivery").client().await;
    client
        .execute("UPDATE delivery_methods SET archived = true, tariffs = '[]'", &[])
        .await
        .expect("archives");
    assert_eq!(yard.plan(&request).await.expect("repeats").into_inner(), first);
    assert_eq!(yard.history_of(&first.delivery_plan_id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_other_content_is_refused() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    let first = yard.wish(&method);
    yard.plan(&first).await.expect("plans");
    let mut others = vec![first.clone(); 9];
    others[0].order_id = OrderId::new().to_string();
    others[1].shop_id = ShopId::new().to_string();
    others[2].delivery_method_id = DeliveryMethodId::new().to_string();
    others[3].address = None;
    others[4].recipient_name = "Somebody else".to_owned();
    others[5].weight_grams += 1;
    others[6].goods_total = Some(money("1040.01", "UAH"));
    others[7].cash_on_delivery = false;
    others[8].fixed_price = Some(money("50.00", "UAH"));
    for (at, other) in others.iter().enumerate() {
        let refused = refusal(yard.plan(other).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::AlreadyExists, "PLAN_MISMATCH"), "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_delivered_is_refused() {
    let yard = Yard::open().await;
    let mut near = tariff("1.00", "UAH");
    near.country_code = "PL".to_owned();
    let mut near = courier("Near", vec![near]);
    near.cash_on_delivery = false;
    let near = yard.offer(near).await;
    let mut request = yard.wish(&near);

    assert_eq!(refusal(yard.plan(&request).await).reason, "CASH_ON_DELIVERY_NOT_POSSIBLE");
    request.cash_on_delivery = false;
    let refused = refusal(yard.plan(&request).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "NO_TARIFF_FITS"));
    request.address.as_mut().expect("an address").country_code = "pl".to_owned();
    yard.plan(&request).await.expect("a refused id may be tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_methods_the_shop_offers_are_there() {
    let yard = Yard::open().await;
    let mut foreign = courier("Foreign", vec![tariff("1.00", "UAH")]);
    foreign.shop_id = ShopId::new().to_string();
    let foreign = yard.offer(foreign).await;
    let mut archived = courier("Archived", vec![tariff("1.00", "UAH")]);
    archived.archived = true;
    let archived = yard.offer(archived).await;
    let mut absent = archived.clone();
    absent.delivery_method_id = DeliveryMethodId::new().to_string();
    for method in [foreign, archived, absent] {
        let refused = refusal(yard.plan(&yard.wish(&method)).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "DELIVERY_METHOD_NOT_FOUND"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_price_needs_no_tariff_but_a_scope() {
    let yard = Yard::open().await;
    let method = yard.offer(courier("Euro only", vec![tariff("1.00", "EUR")])).await;
    let mut request = yard.wish(&method);
    request.fixed_price = Some(money("12.34", "UAH"));

    let scopes = vec!["delivery.plan".to_owned()];
    let actor = Actor::Service("channels".to_owned());
    let caller = Caller { actor, on_behalf_of: None, shops: Shops::All, scopes };
    let mut limited = DeliveryServiceClient::new(yard.world.channel_as("delivery", caller));
    let refused = refusal(limited.plan_delivery(request.clone()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "FIXED_PRICE_NOT_ALLOWED"));

    let plan = yard.plan(&request).await.expect("plans").into_inner();
    assert_eq!(plan.price, request.fixed_price);
    assert_eq!(yard.plan(&request).await.expect("repeats").into_inner(), plan);
    request.fixed_price = Some(money("12.35", "UAH"));
    assert_eq!(refusal(yard.plan(&request).await).reason, "PLAN_MISMATCH");
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_data_stays_in_the_plan() {
    let yard = Yard::open().await;
    let plan = yard.planned().await;
    yard.cancel(&plan.delivery_plan_id).await.expect("cancels");
    let client = yard.world.database("delivery").client().await;
    let told = "SELECT count(*) FROM (SELECT encode(body, 'escape') AS told FROM event_log
                                      UNION ALL SELECT changes::text FROM audit_log) all_told
                WHERE told ~ 'Petrenko|380501234567|Khreshchatyk|Київ|01001'";
    assert_eq!(client.query_one(told, &[]).await.expect("looks").get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_named() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    let mut request = yard.wish(&method);
    request.delivery_plan_id = "x".to_owned();
    request.order_id = String::new();
    request.shop_id = "\0".to_owned();
    request.delivery_method_id = "dlm_1".to_owned();
    request.address.as_mut().expect("an address").comment = "x".repeat(1001);
    request.recipient_name = "a\0b".to_owned();
    request.recipient_phone = "1".repeat(51);
    request.weight_grams = -1;
    request.fixed_price = Some(money("-1.00", "EUR"));
    let refused = refusal(yard.plan(&request).await);
    assert_eq!(refused.code, Code::InvalidArgument);
    let wrong = [
        "delivery_plan_id",
        "order_id",
        "shop_id",
        "delivery_method_id",
        "address.comment",
        "recipient_name",
        "recipient_phone",
        "weight_grams",
        "fixed_price.amount",
        "fixed_price.currency_code",
    ];
    assert_eq!(refused.fields, wrong);
    let caller = World::partner(&[yard.shop], &["delivery.plan"]);
    let mut partner = DeliveryServiceClient::new(yard.world.channel_as("delivery", caller));
    assert_eq!(refusal(partner.plan_delivery(request).await).reason, "INTERNAL_METHOD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_plans_each_order_once_and_the_refused_do_not_spoil_it() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    let client = yard.world.database("delivery").client().await;
    let poison = "ALTER TABLE delivery_plans ADD CONSTRAINT poison CHECK (weight_grams <> 666)";
    client.batch_execute(poison).await.expect("poisons");

    let mut calls = tokio::task::JoinSet::new();
    for at in 0..40 {
        let mut request = yard.wish(&method);
        match at % 10 {
            3 => request.goods_total = Some(money("1.00", "EUR")),
            7 => request.weight_grams = 666,
            _ => {}
        }
        for _ in 0..3 {
            let (mut delivery, request) = (yard.delivery(), request.clone());
            calls.spawn(async move { (at % 10, delivery.plan_delivery(request).await) });
        }
    }
    for (kind, answer) in calls.join_all().await {
        match kind {
            3 => assert_eq!(refusal(answer).reason, "NO_TARIFF_FITS"),
            7 => assert_eq!(refusal(answer).reason, "INTERNAL"),
            _ => drop(answer.expect("plans")),
        }
    }
    for table in ["delivery_plans", "event_log"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(client.query_one(&sql, &[]).await.expect("counts").get::<_, i64>(0), 32, "{table}");
    }
}
