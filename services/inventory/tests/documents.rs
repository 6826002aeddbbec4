//! Write-offs, changes of condition, and the documents that everything belongs to.

use futures_util::future::join_all;
use proto::inventory::v1::stock_adjustment::Change::Counted;
use proto::inventory::v1::{
    ChangeConditionRequest, Condition, GetStockDocumentRequest, ListStockDocumentsRequest, PostingKind,
    ReverseDocumentRequest, StockDocumentKind, WriteOffReason, WriteOffStockRequest,
};
use testing::refusal;
use tonic::Code;
use types::{ShopId, StockDocumentId, WarehouseId};

use crate::stockroom::{Stockroom, held, short};

#[tokio::test(flavor = "multi_thread")]
async fn goods_are_written_off_with_a_reason() {
    let (room, main) = Stockroom::with(&[("A-1", 10)]).await;
    let request = WriteOffStockRequest {
        note: "a leak".to_owned(),
        reference: "W-7".to_owned(),
        ..room.write_off(&main, &[("A-1", 2), ("A-1", 1)])
    };
    let posted = room.client().write_off_stock(request.clone()).await.unwrap().into_inner();
    assert_eq!(room.client().write_off_stock(request).await.unwrap().into_inner(), posted);
    assert_eq!((posted.levels[0].on_hand, room.stock("A-1").await), (7, (7, 0)));

    let document = room.document(&posted.document.unwrap().document_id).await;
    assert_eq!((document.kind(), document.reason()), (StockDocumentKind::WriteOff, WriteOffReason::Damaged));
    assert_eq!((document.note.as_str(), document.reference.as_str()), ("a leak", "W-7"));
    assert_eq!((document.author.as_str(), document.number), ("operator:test", 2));
    assert_eq!(document.lines[0].on_hand_delta, -3);
    assert_eq!((room.events("StockPosted").await, room.history("write_off_stock").await), (2, 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_off_takes_reserved_units_visibly_and_never_more_than_there_are() {
    let (room, main) = Stockroom::with(&[("A-1", 5)]).await;
    let older = room.reserve(&room.order(&[("A-1", 2)])).await;
    let newer = room.reserve(&room.order(&[("A-1", 2)])).await;
    let too_much = refusal(room.client().write_off_stock(room.write_off(&main, &[("A-1", 6)])).await);
    assert_eq!((too_much.code, too_much.reason.as_str()), (Code::FailedPrecondition, "STOCK_BELOW_ZERO"));

    let posted =
        room.client().write_off_stock(room.write_off(&main, &[("A-1", 2)])).await.unwrap().into_inner();
    assert_eq!(posted.short_reservation_ids, [newer.reservation_id.as_str()]);
    assert_eq!(short(&room.reservation(&newer.reservation_id).await), [("A-1", 2, 1)]);
    assert_eq!(held(&room.reservation(&older.reservation_id).await), [("A-1", 2)]);
    assert_eq!((room.stock("A-1").await, room.events("ShortageOpened").await), ((3, 3), 1));
    room.assert_books_balance().await;

    let document_id = posted.document.unwrap().document_id;
    room.client().reverse_document(room.reversal(&document_id)).await.unwrap();
    assert_eq!(held(&room.reservation(&newer.reservation_id).await), [("A-1", 2)]);
    assert_eq!((room.stock("A-1").await, room.events("ShortageCovered").await), ((5, 4), 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_a_write_off() {
    let (room, main) = Stockroom::with(&[("A-1", 5)]).await;
    let of = |reason: WriteOffReason| WriteOffStockRequest {
        reason: reason.into(),
        ..room.write_off(&main, &[("A-1", 1)])
    };
    assert_eq!(refusal(room.client().write_off_stock(of(WriteOffReason::Other)).await).fields, ["note"]);
    for not_ours in
        [WriteOffReason::Unspecified, WriteOffReason::LostInTransit, WriteOffReason::ReturnedUnfit]
    {
        assert_eq!(refusal(room.client().write_off_stock(of(not_ours)).await).fields, ["reason"]);
    }
    let moving = WriteOffStockRequest {
        condition: Condition::InTransit.into(),
        ..room.write_off(&main, &[("A-1", 1)])
    };
    assert_eq!(refusal(room.client().write_off_stock(moving).await).fields, ["condition"]);
    let empty = refusal(room.client().write_off_stock(WriteOffStockRequest::default()).await);
    assert_eq!(empty.fields, ["idempotency_key", "warehouse_id", "lines", "reason"]);
    let nowhere = room.write_off(&WarehouseId::new().to_string(), &[("A-1", 1)]);
    assert_eq!(refusal(room.client().write_off_stock(nowhere).await).reason, "WAREHOUSE_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn defective_units_are_kept_apart() {
    let (room, main) = Stockroom::with(&[("A-1", 5)]).await;
    let order = room.reserve(&room.order(&[("A-1", 5)])).await;
    let apart = room.verdict(&main, &[("A-1", 2)], Condition::Sellable, Condition::Quarantine);
    let posted = room.client().change_condition(apart).await.unwrap().into_inner();
    assert_eq!(posted.short_reservation_ids, [order.reservation_id.as_str()]);
    let levels: Vec<_> = posted.levels.iter().map(|level| (level.condition(), level.on_hand)).collect();
    assert_eq!(levels, [(Condition::Sellable, 3), (Condition::Quarantine, 2)]);
    assert_eq!((room.stock("A-1").await, room.levels("A-1").await.available), ((5, 3), 0));

    let worse = room.verdict(&main, &[("A-1", 1)], Condition::Quarantine, Condition::Damaged);
    room.client().change_condition(worse).await.unwrap();
    let fine = room.verdict(&main, &[("A-1", 1)], Condition::Quarantine, Condition::Sellable);
    room.client().change_condition(fine).await.unwrap();
    assert_eq!(short(&room.reservation(&order.reservation_id).await), [("A-1", 5, 4)]);
    let none = room.verdict(&main, &[("A-1", 1)], Condition::Quarantine, Condition::Sellable);
    assert_eq!(refusal(room.client().change_condition(none).await).reason, "STOCK_BELOW_ZERO");
    assert_eq!(room.stock("A-1").await, (5, 4));
    assert_eq!(
        room.history("change_condition").await,
        5,
        "three documents, a shortage that opened and became smaller"
    );
    room.assert_books_balance().await;

    let same = room.verdict(&main, &[("A-1", 1)], Condition::Damaged, Condition::Damaged);
    assert_eq!(refusal(room.client().change_condition(same).await).fields, ["to"]);
    let moving = room.verdict(&main, &[("A-1", 1)], Condition::InTransit, Condition::Sellable);
    assert_eq!(refusal(room.client().change_condition(moving).await).fields, ["from"]);
    let empty = refusal(room.client().change_condition(ChangeConditionRequest::default()).await);
    assert_eq!(empty.fields, ["idempotency_key", "warehouse_id", "lines", "from", "to", "note"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_document_is_undone_by_another_once() {
    let (room, main) = Stockroom::with(&[("A-1", 5)]).await;
    let receipt = room.client().receive_stock(room.receipt(&main, &[("A-1", 3), ("B-2", 1)])).await.unwrap();
    let wrong = receipt.into_inner().document.unwrap().document_id;
    let order = room.reserve(&room.order(&[("A-1", 7)])).await;

    let undone = room.client().reverse_document(room.reversal(&wrong)).await.unwrap().into_inner();
    let reversal = undone.document.unwrap();
    assert_eq!((reversal.kind(), reversal.reverses.as_str()), (StockDocumentKind::Reversal, wrong.as_str()));
    assert_eq!(undone.short_reservation_ids, [order.reservation_id.as_str()]);
    assert_eq!((room.stock("A-1").await, room.stock("B-2").await), ((5, 5), (0, 0)));
    assert_eq!(room.document(&wrong).await.reversed_by, reversal.document_id);

    let again = room.client().reverse_document(room.reversal(&wrong)).await.unwrap_err();
    assert_eq!(rpc::reason(&again).as_deref(), Some("STOCK_DOCUMENT_REVERSED"));
    assert_eq!(rpc::metadata(&again)["reversed_by"], reversal.document_id);
    let twice = refusal(room.client().reverse_document(room.reversal(&reversal.document_id)).await);
    assert_eq!(
        (twice.code, twice.reason.as_str()),
        (Code::FailedPrecondition, "STOCK_DOCUMENT_NOT_REVERSIBLE")
    );
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_reversals_at_once_one_is_posted() {
    let (room, main) = Stockroom::with(&[("A-1", 5)]).await;
    let posted = room.client().write_off_stock(room.write_off(&main, &[("A-1", 2)])).await.unwrap();
    let document_id = posted.into_inner().document.unwrap().document_id;
    let attempts =
        join_all((0..8).map(|_| async { room.client().reverse_document(room.reversal(&document_id)).await }))
            .await;
    assert_eq!(attempts.iter().filter(|attempt| attempt.is_ok()).count(), 1);
    for refused in attempts.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(refused).reason, "STOCK_DOCUMENT_REVERSED");
    }
    assert_eq!(room.stock("A-1").await, (5, 0));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_since_cannot_be_undone() {
    let (room, main) = Stockroom::with(&[]).await;
    let receipt = room.client().receive_stock(room.receipt(&main, &[("A-1", 3)])).await.unwrap();
    let document_id = receipt.into_inner().document.unwrap().document_id;
    let order = room.reserve(&room.order(&[("A-1", 2)])).await;
    room.ship(&order.reservation_id).await;
    let late = refusal(room.client().reverse_document(room.reversal(&document_id)).await);
    assert_eq!(late.reason, "STOCK_BELOW_ZERO");
    let shipment = room.number("SELECT count(*) FROM stock_documents WHERE kind = 'shipment'").await;
    assert_eq!((shipment, room.stock("A-1").await), (1, (1, 0)));
    let unknown = room.reversal(&StockDocumentId::new().to_string());
    assert_eq!(refusal(room.client().reverse_document(unknown).await).reason, "STOCK_DOCUMENT_NOT_FOUND");
    let empty = refusal(room.client().reverse_document(ReverseDocumentRequest::default()).await);
    assert_eq!(empty.fields, ["idempotency_key", "document_id", "note"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_documents_newest_first_and_every_movement_names_its_own() {
    let (room, main) = Stockroom::with(&[("A-1", 5)]).await;
    let order = room.reserve(&room.order(&[("A-1", 1)])).await;
    room.ship(&order.reservation_id).await;
    room.adjust(&main, &[("A-1", Counted(3))]).await;
    room.adjust(&main, &[("A-1", Counted(3))]).await;

    let mut request = ListStockDocumentsRequest { page_size: 1, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = room.client().list_stock_documents(request.clone()).await.unwrap().into_inner();
        found.extend(page.documents);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let kinds: Vec<_> = found.iter().map(|document| document.kind()).collect();
    let expected = [StockDocumentKind::Adjustment, StockDocumentKind::Shipment, StockDocumentKind::Receipt];
    assert_eq!(kinds, expected, "a count that confirms posts nothing");
    assert!(found.is_sorted_by(|newer, older| newer.number > older.number));

    let explain = proto::inventory::v1::ExplainStockRequest { sku: "A-1".to_owned(), ..Default::default() };
    let entries = room.client().explain_stock(explain).await.unwrap().into_inner().entries;
    let named: Vec<_> = entries.iter().map(|entry| (entry.kind(), entry.document_id.as_str())).collect();
    let expected = [
        (PostingKind::Adjustment, found[0].document_id.as_str()),
        (PostingKind::Shipment, found[1].document_id.as_str()),
        (PostingKind::Reserve, ""),
        (PostingKind::Receipt, found[2].document_id.as_str()),
    ];
    assert_eq!(named, expected);

    let shipment = ListStockDocumentsRequest { reference: "shm_1".to_owned(), ..Default::default() };
    let seen = async |shop: ShopId| {
        let page = room.partner(shop).list_stock_documents(shipment.clone()).await.unwrap().into_inner();
        page.documents.len()
    };
    assert_eq!((seen(room.shop).await, seen(ShopId::new()).await), (1, 0));
    let get = GetStockDocumentRequest { document_id: found[1].document_id.clone() };
    let foreign = refusal(room.partner(ShopId::new()).get_stock_document(get).await);
    assert_eq!((foreign.code, foreign.reason.as_str()), (Code::NotFound, "STOCK_DOCUMENT_NOT_FOUND"));
    let wrong = ListStockDocumentsRequest { kind: 99, ..Default::default() };
    assert_eq!(refusal(room.client().list_stock_documents(wrong).await).fields, ["kind"]);
}
