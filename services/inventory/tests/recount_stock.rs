//! A level that is not the sum of its ledger is made that.

use proto::inventory::v1::stock_repair_service_client::StockRepairServiceClient;
use proto::inventory::v1::*;
use tonic::Code;

use crate::stockroom::Stockroom;

#[tokio::test(flavor = "multi_thread")]
async fn a_level_becomes_what_was_moved_and_what_is_held() {
    let (room, main) = Stockroom::with(&[("MUG", 5)]).await;
    room.client().reserve_stock(room.order(&[("MUG", 2)])).await.unwrap();
    let mut repair = StockRepairServiceClient::new(room.world.channel("inventory"));
    let request = RecountStockRequest {
        sku: "MUG".to_owned(),
        warehouse_id: main,
        condition: Condition::Unspecified.into(),
    };
    let right = repair.recount_stock(request.clone()).await.unwrap().into_inner();
    assert_eq!((right.on_hand, right.reserved), (5, 2));

    let client = room.world.database("inventory").client().await;
    let damage = "UPDATE stock_levels SET on_hand = 9, reserved = 4 WHERE sku = 'MUG'";
    assert_eq!(client.execute(damage, &[]).await.unwrap(), 1);
    let mended = repair.recount_stock(request.clone()).await.unwrap().into_inner();
    assert_eq!((mended.on_hand, mended.reserved), (5, 2));
    assert_eq!(repair.recount_stock(request.clone()).await.unwrap().into_inner(), mended);

    let audits = "SELECT count(*) FROM audit_log WHERE action = 'inventory.recount_stock'";
    assert_eq!(client.query_one(audits, &[]).await.unwrap().get::<_, i64>(0), 1);
    let nowhere = RecountStockRequest { warehouse_id: "whs_7".to_owned(), ..request };
    let refused = testing::refusal(repair.recount_stock(nowhere).await);
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["warehouse_id".to_owned()]));
}
