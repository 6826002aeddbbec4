//! Prices of carriers outside, within their budget.

use std::time::Duration;

use korob_delivery::Delivery;
use proto::delivery::v1::{self as pb, CarrierKind};
use simulators::Fault;
use testing::{World, eventually};

use crate::outside::{Outside, method};
use crate::{Yard, money};

async fn quote(outside: &Outside) -> Vec<pb::DeliveryOption> {
    let wish = outside.wish();
    let request = pb::QuoteDeliveryRequest {
        shop_id: outside.yard.shop.to_string(),
        address: wish.address,
        goods_total: wish.goods_total,
        weight_grams: wish.weight_grams,
        cash_on_delivery: wish.cash_on_delivery,
        ..Default::default()
    };
    outside.yard.delivery().quote_delivery(request).await.expect("quotes").into_inner().options
}

#[tokio::test(flavor = "multi_thread")]
async fn the_carrier_says_the_price_and_the_plan_keeps_it() {
    for kind in [CarrierKind::Parcel, CarrierKind::NovaPoshta, CarrierKind::Cdek] {
        let outside = Outside::open(kind).await;
        let options = quote(&outside).await;
        let [option] = options.as_slice() else { panic!("{kind:?}: {options:?}") };
        assert!(!option.estimate, "{kind:?}");
        assert_eq!(option.carrier, outside.system);
        assert_ne!(option.price, Some(money("70.00", outside.currency())), "{kind:?}: that is the tariff");
        // What the buyer was told is what the plan says, though no carrier is asked for a plan.
        outside.carriers.faults(outside.system).probability(Fault::Unavailable, 1.0);
        let plan = outside.plan(&outside.wish()).await;
        assert_eq!(plan.price, option.price, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_carrier_gets_an_estimate_and_is_remembered() {
    let outside = Outside::parcel().await;
    let held = outside.carriers.hold("parcel", "quote");
    let options = quote(&outside).await;
    assert!(options[0].estimate);
    assert_eq!(options[0].price, Some(money("70.00", "UAH")));
    assert_eq!(held.waiting(), 1, "the buyer has a price, and the carrier has not answered");

    // Nobody else is asked: what is known from here on is the answer that came too late for this buyer.
    outside.carriers.faults("parcel").probability(Fault::Unavailable, 1.0);
    assert!(quote(&outside).await[0].estimate);
    drop(held);
    eventually("the late answer is remembered", async || (!quote(&outside).await[0].estimate).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_not_offered() {
    let outside = Outside::parcel().await;
    // Dearer, and below the first; one without cash; one that the carrier does not have.
    let express = pb::DeliveryMethod { sort_order: 1, ..method(&outside.account, "express") };
    let express = outside.yard.offer(express).await;
    outside
        .yard
        .offer(pb::DeliveryMethod { cash_on_delivery: false, ..method(&outside.account, "standard") })
        .await;
    outside.yard.offer(method(&outside.account, "rocket")).await;
    let ids: Vec<String> =
        quote(&outside).await.into_iter().map(|option| option.delivery_method_id).collect();
    assert_eq!(ids, [outside.method.delivery_method_id.clone(), express.delivery_method_id]);

    let disabled = pb::UpdateCarrierAccountRequest {
        carrier_account: Some(pb::CarrierAccount { enabled: false, ..outside.account.clone() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["enabled".to_owned()] }),
    };
    outside.yard.delivery().update_carrier_account(disabled).await.expect("disables");
    assert!(quote(&outside).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_is_down_leaves_the_tariffs() {
    let outside = Outside::parcel().await;
    outside.carriers.faults("parcel").probability(Fault::TimeoutBeforeEffect, 1.0);
    let options = quote(&outside).await;
    assert_eq!((options.len(), options[0].estimate), (1, true));
    // The plan is made all the same, at the same price.
    assert_eq!(outside.plan(&outside.wish()).await.price, options[0].price);
}

/// Of several processes another one may plan than the one that told the price.
#[tokio::test(flavor = "multi_thread")]
async fn another_process_knows_what_the_buyer_was_told() {
    let mut outside = Outside::parcel().await;
    let told = quote(&outside).await[0].price.clone();
    assert_ne!(told, Some(money("70.00", "UAH")));
    outside.carriers.faults("parcel").probability(Fault::Unavailable, 1.0);

    outside = restarted(outside).await;
    let options = quote(&outside).await;
    assert_eq!((options[0].estimate, &options[0].price), (false, &told), "nor is the carrier asked again");
    assert_eq!(outside.plan(&outside.wish()).await.price, told);
    // Of other goods nothing was told.
    let mut heavier = outside.wish();
    heavier.weight_grams += 1;
    assert_eq!(outside.plan(&heavier).await.price, Some(money("70.00", "UAH")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_forgotten_after_half_an_hour() {
    let mut outside = Outside::parcel().await;
    quote(&outside).await;
    outside.carriers.faults("parcel").probability(Fault::Unavailable, 1.0);
    outside.wait(Duration::from_secs(29 * 60));
    assert!(!quote(&outside).await[0].estimate);
    outside.wait(Duration::from_secs(61));
    assert!(quote(&outside).await[0].estimate);
    assert_eq!(outside.plan(&outside.wish()).await.price, Some(money("70.00", "UAH")));

    outside = restarted(outside).await;
    let client = outside.yard.world.database("delivery").client().await;
    eventually("nothing of it is left", async || {
        let left = client.query_one("SELECT count(*) FROM carrier_prices", &[]).await.expect("counts");
        (left.get::<_, i64>(0) == 0).then_some(())
    })
    .await;
}

/// Another process over the same database.
async fn restarted(outside: Outside) -> Outside {
    let Yard { mut world, shop } = outside.yard;
    let (database, clock) = (world.take_database("delivery"), world.clock.clone());
    drop(world);
    let mut world = World::new().await;
    world.clock = clock;
    let yard = Yard { world: world.start_on::<Delivery>(database).await, shop };
    Outside { yard, ..outside }
}
