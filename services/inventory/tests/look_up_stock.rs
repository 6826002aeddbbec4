//! The stock of many SKUs at once.

use proto::inventory::v1::LookUpStockRequest;
use testing::refusal;

use crate::stockroom::Stockroom;

fn skus(names: &[&str]) -> LookUpStockRequest {
    LookUpStockRequest { skus: names.iter().map(|name| (*name).to_owned()).collect() }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_in_the_order_of_the_question() {
    let (room, main) = Stockroom::with(&[("A-1", 10), ("B-2", 5)]).await;
    let (second, closed) = (room.warehouse("Second").await, room.archived_warehouse("Closed").await);
    room.receive(&second, &[("A-1", 4)]).await;
    room.receive(&closed, &[("A-1", 100)]).await;
    room.reserve(&room.order(&[("A-1", 3)])).await;
    room.dispatch(&main, &second, &[("B-2", 2)]).await;

    let found = room.client().look_up_stock(skus(&["NEW", "B-2", "A-1"])).await.unwrap().into_inner().stocks;
    let brief: Vec<_> =
        found.iter().map(|one| (one.sku.as_str(), one.available, one.in_transit, one.levels.len())).collect();
    assert_eq!(brief, [("NEW", 0, 0, 0), ("B-2", 3, 2, 2), ("A-1", 11, 0, 3)]);
    assert_eq!(room.levels("B-2").await.in_transit, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_a_question() {
    let room = Stockroom::new().await;
    assert_eq!(refusal(room.client().look_up_stock(skus(&[])).await).fields, ["skus"]);
    assert_eq!(
        refusal(room.client().look_up_stock(skus(&["A", " ", "A"])).await).fields,
        ["skus[1]", "skus[2]"]
    );
    let many: Vec<String> = (0..201).map(|at| format!("S-{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(refusal(room.client().look_up_stock(skus(&many)).await).fields, ["skus"]);
}
