//! Prices of carriers outside, within their budget.

use std::time::Duration;

use proto::delivery::v1::{self as pb, CarrierKind};
use simulators::Fault;

use crate::money;
use crate::outside::{Outside, method};

async fn quote(outside: &Outside) -> Vec<pb::DeliveryOption> {
    let wish = outside.wish();
    let request = pb::QuoteDeliveryRequest {
        shop_id: outside.yard.shop.to_string(),
        address: wish.address,
        goods_total: wish.goods_total,
        weight_grams: wish.weight_grams,
        cash_on_delivery: wish.cash_on_delivery,
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
    outside.carriers.faults("parcel").slow(Duration::from_millis(900)).next_on("quote", Fault::Slow);
    let before = std::time::Instant::now();
    let options = quote(&outside).await;
    assert!(before.elapsed() < Duration::from_millis(800), "{:?}", before.elapsed());
    assert!(options[0].estimate);
    assert_eq!(options[0].price, Some(money("70.00", "UAH")));

    tokio::time::sleep(Duration::from_millis(1000)).await;
    outside.carriers.faults("parcel").probability(Fault::Unavailable, 1.0);
    let options = quote(&outside).await;
    assert!(!options[0].estimate, "the late answer is remembered");
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
