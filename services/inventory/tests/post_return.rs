//! Goods that come back from buyers.

use futures_util::future::join_all;
use proto::inventory::v1::ReturnDisposition::{Quarantine, Sellable, Unspecified, WriteOff};
use proto::inventory::v1::{Condition, PostReturnRequest, StockDocumentKind, WriteOffReason};
use testing::refusal;
use tonic::Code;
use types::WarehouseId;

use crate::stockroom::{Stockroom, held};

#[tokio::test(flavor = "multi_thread")]
async fn every_unit_goes_where_it_was_found_fit_for() {
    let (room, main) = Stockroom::with(&[("A-1", 1)]).await;
    let lines = [("A-1", 2, Sellable), ("A-1", 3, Quarantine), ("A-1", 4, WriteOff)];
    let request = room.returned(&main, &lines);
    let posted = room.client().post_return(request.clone()).await.unwrap().into_inner();

    assert_eq!(room.there("A-1", &main, Condition::Sellable).await, 3);
    assert_eq!(room.there("A-1", &main, Condition::Quarantine).await, 3);
    assert_eq!(room.there("A-1", &main, Condition::Damaged).await, 0);
    assert_eq!(room.levels("A-1").await.available, 3);
    let document = room.document(&posted.document.unwrap().document_id).await;
    assert_eq!(
        (document.kind(), document.reason()),
        (StockDocumentKind::Return, WriteOffReason::ReturnedUnfit)
    );
    assert_eq!(
        (document.reference.as_str(), document.shop_id),
        (request.return_id.as_str(), room.shop.to_string())
    );
    let lines: Vec<_> = document.lines.iter().map(|line| (line.condition(), line.on_hand_delta)).collect();
    let expected = [
        (Condition::Sellable, 2),
        (Condition::Quarantine, 3),
        (Condition::Damaged, 4),
        (Condition::Damaged, -4),
    ];
    assert_eq!(lines, expected, "the ledger tells what was written off");
    assert_eq!((room.events("StockPosted").await, room.history("post_return").await), (2, 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_posting_is_posted_once() {
    let (room, main) = Stockroom::with(&[("A-1", 1)]).await;
    let request = room.returned(&main, &[("A-1", 2, Sellable)]);
    let posted = join_all((0..8).map(|_| async { room.client().post_return(request.clone()).await })).await;
    let first = posted[0].as_ref().unwrap().get_ref().document.clone().unwrap().document_id;
    for answer in posted {
        assert_eq!(answer.unwrap().into_inner().document.unwrap().document_id, first);
    }
    assert_eq!((room.stock("A-1").await, room.history("post_return").await), ((3, 0), 1));

    let other = PostReturnRequest { lines: room.returned(&main, &[("A-1", 3, Sellable)]).lines, ..request };
    let refused = refusal(room.client().post_return(other).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::AlreadyExists, "POSTING_MISMATCH"));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_gets_what_came_back() {
    let (room, main) = Stockroom::with(&[("A-1", 1)]).await;
    let waiting = room.accept(&[("A-1", 3)]).await;
    let request = room.returned(&main, &[("A-1", 1, Sellable), ("A-1", 5, Quarantine)]);
    room.client().post_return(request).await.unwrap();
    assert_eq!(held(&room.reservation(&waiting.reservation_id).await), [("A-1", 2)]);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_a_return() {
    let (room, main) = Stockroom::with(&[("A-1", 1)]).await;
    let nowhere = room.returned(&WarehouseId::new().to_string(), &[("A-1", 1, Sellable)]);
    assert_eq!(refusal(room.client().post_return(nowhere).await).reason, "WAREHOUSE_NOT_FOUND");
    let wrong = room.returned(&main, &[("A-1", 1, Unspecified), (" ", 0, Sellable)]);
    let refused = refusal(room.client().post_return(wrong).await);
    assert_eq!(refused.fields, ["lines[0].disposition", "lines[1].sku", "lines[1].quantity"]);
    let empty = refusal(room.client().post_return(PostReturnRequest::default()).await);
    assert_eq!(empty.fields, ["posting_id", "return_id", "shop_id", "warehouse_id", "lines"]);
}
