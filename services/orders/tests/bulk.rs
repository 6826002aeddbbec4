//! Actions on many orders: each row by itself, in order, once.

use std::time::Duration;

use proto::orders::v1 as pb;
use proto::orders::v1::bulk_order_service_client::BulkOrderServiceClient;
use testing::{World, refusal};
use types::OrderId;

use crate::neighbours::Failure;
use crate::shop::Shop;

fn row(order_id: &str) -> pb::BulkOrder {
    pb::BulkOrder { order_id: order_id.to_owned(), etag: String::new() }
}

fn to_assembling(shop: &Shop, orders: Vec<pb::BulkOrder>) -> pb::ChangeOrderStatesRequest {
    pb::ChangeOrderStatesRequest {
        orders,
        state: pb::OrderState::Assembling.into(),
        status: "picking".to_owned(),
        dry_run: false,
        idempotency_key: shop.key(),
    }
}

fn cancel(shop: &Shop, orders: Vec<pb::BulkOrder>) -> pb::CancelOrdersRequest {
    pb::CancelOrdersRequest {
        orders,
        reason: "duplicate".to_owned(),
        comment: "ordered twice".to_owned(),
        dry_run: false,
        idempotency_key: shop.key(),
    }
}

/// Order ids and reasons, "ok" for none.
fn told(results: &[pb::BulkOrderResult]) -> Vec<(&str, &str)> {
    let reason = |result: &pb::BulkOrderResult| result.ok.then_some("ok").map(str::to_owned);
    for result in results {
        assert_eq!(result.ok, result.code.is_empty() && reason(result).is_some(), "{result:?}");
    }
    results
        .iter()
        .map(|result| (result.order_id.as_str(), if result.ok { "ok" } else { result.reason.as_str() }))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_is_done_or_refused_by_itself_and_in_its_place() {
    let shop = Shop::open().await;
    let first = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let done = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.cancel(&done.order_id).await.unwrap();
    let last = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let absent = OrderId::new().to_string();
    let stale = pb::BulkOrder { etag: "0".to_owned(), ..row(&last.order_id) };
    let rows = vec![row(&first.order_id), row(&done.order_id), row(&absent), stale];

    let mut partner =
        shop.world.channel_as("orders", World::partner(&[shop.add_shop().0], &["orders.write"]));
    let mut partner = BulkOrderServiceClient::new(&mut partner);
    let request = to_assembling(&shop, rows);
    let foreign = partner.change_order_states(request.clone()).await.unwrap().into_inner();
    let answer = shop.bulk().change_order_states(request.clone()).await.unwrap().into_inner();

    assert!(foreign.results.iter().all(|result| result.reason == "ORDER_NOT_FOUND"));
    assert_eq!(
        told(&answer.results),
        [
            (first.order_id.as_str(), "ok"),
            (done.order_id.as_str(), "STATE_CHANGE_NOT_ALLOWED"),
            (absent.as_str(), "ORDER_NOT_FOUND"),
            (last.order_id.as_str(), "ETAG_MISMATCH"),
        ]
    );
    assert_eq!(answer.results[1].code, "FAILED_PRECONDITION");
    let moved = shop.order(&first.order_id).await;
    assert_eq!((moved.state(), moved.status.as_str()), (pb::OrderState::Assembling, "picking"));
    assert_eq!(
        (answer.results[0].state(), &answer.results[0].etag),
        (pb::OrderState::Assembling, &"2".to_owned())
    );
    assert_eq!(shop.order(&last.order_id).await.state(), pb::OrderState::New);
    // The same call again answers the same, though the order could go on now.
    shop.change_state(&last.order_id, pb::OrderState::Approval).await.unwrap();
    let again = shop.bulk().change_order_states(request.clone()).await.unwrap().into_inner();
    assert_eq!(again, answer);
    let other = pb::ChangeOrderStatesRequest { status: "packing".to_owned(), ..request };
    assert_eq!(refusal(shop.bulk().change_order_states(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_and_changes_nothing() {
    let shop = Shop::open().await;
    let new = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let gone = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.cancel(&gone.order_id).await.unwrap();
    let rows = || vec![row(&new.order_id), row(&gone.order_id)];

    let change = pb::ChangeOrderStatesRequest { dry_run: true, ..to_assembling(&shop, rows()) };
    let change = shop.bulk().change_order_states(change).await.unwrap().into_inner();
    let request = pb::CancelOrdersRequest { dry_run: true, ..cancel(&shop, rows()) };
    let cancelled = shop.bulk().cancel_orders(request.clone()).await.unwrap().into_inner();

    assert_eq!(told(&change.results)[1].1, "STATE_CHANGE_NOT_ALLOWED");
    assert_eq!(told(&cancelled.results)[1].1, "ORDER_STATE");
    let states = (change.results[0].state(), cancelled.results[0].state());
    assert_eq!(states, (pb::OrderState::Assembling, pb::OrderState::Cancelled));
    assert_eq!(shop.order(&new.order_id).await, new);
    // The key of a dry run is free for the real one.
    let real = pb::CancelOrdersRequest { dry_run: false, ..request };
    let real = shop.bulk().cancel_orders(real).await.unwrap().into_inner();
    assert_eq!(told(&real.results)[0].1, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_cancelled_with_everything_they_held() {
    let shop = Shop::open().await;
    let mut orders = Vec::new();
    for _ in 0..10 {
        orders.push(shop.placed(shop.cart(&[("A-1", 1)])).await);
    }
    let rows: Vec<_> = orders.iter().map(|order| row(&order.order_id)).collect();

    let answer = shop.bulk().cancel_orders(cancel(&shop, rows)).await.unwrap().into_inner();

    assert!(answer.results.iter().all(|result| result.ok));
    let ids: Vec<_> = answer.results.iter().map(|result| result.order_id.clone()).collect();
    assert_eq!(ids, orders.iter().map(|order| order.order_id.clone()).collect::<Vec<_>>());
    assert_eq!(shop.them.state().stock["A-1"], 10);
    assert!(shop.them.held().is_empty());
    for order in &orders {
        assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced", "OrderCancelled"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_left_half_way_is_gone_on_with_and_repeats_no_row() {
    let shop = Shop::open().await;
    let mut rows = Vec::new();
    for _ in 0..30 {
        rows.push(row(&shop.placed(shop.cart(&[("WRAP", 1)])).await.order_id));
    }
    let request = to_assembling(&shop, rows.clone());

    // The caller hangs up again and again.
    for at in 1..6 {
        let mut bulk = shop.bulk();
        let call = bulk.change_order_states(request.clone());
        let _ = tokio::time::timeout(Duration::from_millis(4 * at), call).await;
    }
    let answer = shop.bulk().change_order_states(request).await.unwrap().into_inner();

    assert_eq!(answer.results.len(), 30);
    assert!(answer.results.iter().all(|result| result.ok), "{answer:?}");
    for row in rows {
        let actions = shop.actions(&row.order_id).await;
        let changes = actions.iter().filter(|action| *action == "orders.change_order_state").count();
        assert_eq!(changes, 1, "{actions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_not_decided_is_asked_again_under_the_same_key() {
    let shop = Shop::open().await;
    let sure = shop.placed(shop.cart(&[("WRAP", 1)])).await;
    let late = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.them.fail("ReleaseReservation", [Failure::HangBefore]);
    let request = cancel(&shop, vec![row(&sure.order_id), row(&late.order_id)]);

    let first = shop.bulk().cancel_orders(request.clone()).await.unwrap().into_inner();
    shop.eventually(&late.order_id, "the saga goes on", |order| order.state() == pb::OrderState::Cancelled)
        .await;
    let second = shop.bulk().cancel_orders(request).await.unwrap().into_inner();

    assert_eq!(told(&first.results)[0].1, "ok");
    assert_eq!((first.results[1].ok, first.results[1].code.as_str()), (false, "ABORTED"));
    assert!(second.results.iter().all(|result| result.ok));
    assert_eq!(shop.events(&late.order_id).await, ["OrderPlaced", "OrderCancelled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_rows_is_named() {
    let shop = Shop::open().await;
    let one = OrderId::new().to_string();

    let many = (0..201).map(|_| row(&OrderId::new().to_string())).collect();
    let many = refusal(shop.bulk().change_order_states(to_assembling(&shop, many)).await);
    let twice = cancel(&shop, vec![row(&one), row(&one), row("nonsense")]);
    let twice = refusal(
        shop.bulk().cancel_orders(pb::CancelOrdersRequest { reason: "mood".to_owned(), ..twice }).await,
    );
    let nowhere = pb::ChangeOrderStatesRequest { state: 0, ..to_assembling(&shop, vec![row(&one)]) };

    assert_eq!((many.reason.as_str(), many.fields), ("TOO_MANY", vec!["orders".to_owned()]));
    assert_eq!(twice.fields, ["orders[1].order_id", "orders[2].order_id", "reason"]);
    assert_eq!(refusal(shop.bulk().change_order_states(nowhere).await).fields, ["state"]);
}
