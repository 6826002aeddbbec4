//! Sums that are not those of the purchases are added up again.

use proto::customers::v1 as pb;
use proto::customers::v1::purchase_repair_service_client::PurchaseRepairServiceClient;
use tonic::Code;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn sums_that_nothing_stands_behind_are_taken_away() {
    let desk = Desk::open().await;
    let customer_id = desk.seen("Покупець", "0670000001", "").await;
    let mut repair = PurchaseRepairServiceClient::new(desk.world.channel("customers"));
    let request = pb::RecountPurchasesRequest { customer_id: customer_id.clone(), ..Default::default() };
    assert!(!repair.recount_purchases(request.clone()).await.unwrap().into_inner().changed);

    let client = desk.world.database("customers").client().await;
    let damage = format!(
        "INSERT INTO purchase_totals (customer_id, shop_id, currency, order_count, total)
         SELECT customer_id, '{}', 'UAH', 3, 90000 FROM customers",
        desk.site.uuid()
    );
    assert_eq!(client.execute(&damage, &[]).await.unwrap(), 1);
    assert!(repair.recount_purchases(request.clone()).await.unwrap().into_inner().changed);
    assert!(!repair.recount_purchases(request).await.unwrap().into_inner().changed);
    assert_eq!(desk.count("SELECT coalesce(sum(order_count), 0)::bigint FROM purchase_totals").await, 0);

    let refused = testing::refusal(repair.recount_purchases(pb::RecountPurchasesRequest::default()).await);
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["order_id".to_owned()]));
}
