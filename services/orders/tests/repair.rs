//! What operators bring right after a database went back in time.

use proto::orders::v1 as pb;
use proto::orders::v1::order_repair_service_client::OrderRepairServiceClient;
use tonic::Code;
use uuid::Uuid;

use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_gets_another_number_once() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let mut repair = OrderRepairServiceClient::new(shop.world.channel("orders"));
    let request = pb::ReconcileOrderRequest {
        order_id: order.order_id.clone(),
        matter: pb::OrderMatter::Number.into(),
        number: order.number.clone(),
    };
    let renumbered = repair.reconcile_order(request.clone()).await.unwrap().into_inner();
    assert_ne!(renumbered.number, order.number);
    assert_eq!(repair.reconcile_order(request.clone()).await.unwrap().into_inner(), renumbered);
    assert_eq!(shop.order(&order.order_id).await, renumbered);

    let which = pb::ReconcileOrderRequest { number: String::new(), ..request };
    let refused = testing::refusal(repair.reconcile_order(which).await);
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["number".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_leased_for_too_long_is_made_due() {
    let shop = Shop::open().await;
    let client = shop.world.database("orders").client().await;
    let process_id = Uuid::new_v4();
    let lost = format!(
        "INSERT INTO sagas (saga_id, kind, state, input, actor, traceparent, lease_until, create_time)
         VALUES ('{process_id}', 'of_a_test', 'running', '', 'operator:test', '', now() + interval '1 day', now())"
    );
    client.execute(&lost, &[]).await.unwrap();
    let mut repair = OrderRepairServiceClient::new(shop.world.channel("orders"));
    let request = pb::ResumeProcessRequest { process_id: process_id.to_string() };
    assert_eq!(repair.resume_process(request).await.unwrap().into_inner().kind, "of_a_test");
    let due = "SELECT count(*) FROM sagas WHERE kind = 'of_a_test' AND lease_until <= clock_timestamp()";
    assert_eq!(shop.count(due).await, 1);

    let unknown = pb::ResumeProcessRequest { process_id: Uuid::new_v4().to_string() };
    let refused = testing::refusal(repair.resume_process(unknown).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "PROCESS_NOT_FOUND"));
}
