//! Goods that move between warehouses: the total stays, and what does not arrive is seen.

use proto::inventory::v1::{
    CancelTransferRequest, CloseTransferRequest, Condition, DispatchTransferRequest, GetTransferRequest,
    ListTransfersRequest, ReceiveTransferRequest, StockDocumentKind, Transfer, TransferState, WriteOffReason,
};
use testing::refusal;
use tonic::Code;
use types::TransferId;

use crate::stockroom::Stockroom;

async fn two() -> (Stockroom, String, String) {
    let (room, main) = Stockroom::with(&[("A-1", 10), ("B-2", 5)]).await;
    let far = room.warehouse("Far").await;
    (room, main, far)
}

impl Stockroom {
    fn loss(&self, transfer: &Transfer) -> CloseTransferRequest {
        CloseTransferRequest {
            transfer_id: transfer.transfer_id.clone(),
            note: "the box was open".to_owned(),
            idempotency_key: self.key(),
        }
    }

    fn recall(&self, transfer: &Transfer) -> CancelTransferRequest {
        CancelTransferRequest {
            transfer_id: transfer.transfer_id.clone(),
            note: String::new(),
            idempotency_key: self.key(),
        }
    }
}

fn journey(transfer: &Transfer) -> Vec<(&str, i64, i64, i64, i64, i64)> {
    let line = |line: &proto::inventory::v1::TransferLine| {
        (line.dispatched, line.received, line.lost, line.returned, line.in_transit)
    };
    let lines = transfer.lines.iter().map(|one| (one.sku.as_str(), line(one)));
    lines.map(|(sku, (a, b, c, d, e))| (sku, a, b, c, d, e)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn units_on_their_way_are_there_and_cannot_be_sold() {
    let (room, main, far) = two().await;
    let request = room.load_of(&main, &far, &[("A-1", 2), ("A-1", 2), ("B-2", 1)]);
    let transfer = room.client().dispatch_transfer(request.clone()).await.unwrap().into_inner();
    assert_eq!(room.client().dispatch_transfer(request).await.unwrap().into_inner(), transfer);
    assert_eq!(transfer.state(), TransferState::Dispatched);
    assert_eq!(journey(&transfer), [("A-1", 4, 0, 0, 0, 4), ("B-2", 1, 0, 0, 0, 1)]);
    assert_eq!(room.stock("A-1").await, (10, 0), "the total stays");
    assert_eq!(room.there("A-1", &main, Condition::Sellable).await, 6);
    assert_eq!(room.there("A-1", &far, Condition::InTransit).await, 4);
    assert_eq!(room.levels("A-1").await.available, 6);
    assert_eq!(refusal(room.try_reserve(room.order(&[("A-1", 7)])).await).reason, "OUT_OF_STOCK");
    room.assert_books_balance().await;

    let part = room.arrive(&transfer, &[("A-1", 3, Condition::Sellable)]).await;
    assert_eq!((part.state(), journey(&part)[0]), (TransferState::Dispatched, ("A-1", 4, 3, 0, 0, 1)));
    let rest = room.arrive(&transfer, &[]).await;
    assert_eq!((rest.state(), rest.end_time.is_some()), (TransferState::Received, true));
    assert_eq!((room.stock("A-1").await, room.levels("A-1").await.available), ((10, 0), 10));
    assert_eq!(room.transfer(&transfer).await, rest);
    assert_eq!((room.events("TransferDispatched").await, room.events("TransferReceived").await), (1, 2));
    assert_eq!((room.history("dispatch_transfer").await, room.history("receive_transfer").await), (1, 2));
    let documents =
        "SELECT count(*) FROM stock_documents WHERE kind = 'transfer' AND transfer_id IS NOT NULL";
    assert_eq!(room.number(documents).await, 3);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_is_seen_and_written_off() {
    let (room, main, far) = two().await;
    let transfer = room.dispatch(&main, &far, &[("A-1", 4)]).await;
    let broken = [("A-1", 2, Condition::Sellable), ("A-1", 1, Condition::Damaged)];
    room.arrive(&transfer, &broken).await;
    let closing = room.loss(&transfer);
    let closed = room.client().close_transfer(closing.clone()).await.unwrap().into_inner();
    assert_eq!(room.client().close_transfer(closing).await.unwrap().into_inner(), closed);
    assert_eq!((closed.state(), journey(&closed)), (TransferState::Received, vec![("A-1", 4, 3, 1, 0, 0)]));
    assert_eq!(room.stock("A-1").await, (9, 0));
    assert_eq!(room.there("A-1", &far, Condition::Damaged).await, 1);
    room.assert_books_balance().await;

    let documents = proto::inventory::v1::ListStockDocumentsRequest {
        kind: StockDocumentKind::WriteOff.into(),
        reference: transfer.transfer_id.clone(),
        ..Default::default()
    };
    let found = room.client().list_stock_documents(documents).await.unwrap().into_inner().documents;
    assert_eq!((found.len(), found[0].reason()), (1, WriteOffReason::LostInTransit));
    let undone = refusal(room.client().reverse_document(room.reversal(&found[0].document_id)).await);
    assert_eq!(undone.reason, "STOCK_DOCUMENT_NOT_REVERSIBLE", "the transfer would not know");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_transfer_goes_back() {
    let (room, main, far) = two().await;
    let transfer = room.dispatch(&main, &far, &[("A-1", 4)]).await;
    room.arrive(&transfer, &[("A-1", 1, Condition::Sellable)]).await;
    let cancelled = room.client().cancel_transfer(room.recall(&transfer)).await.unwrap().into_inner();
    assert_eq!(
        (cancelled.state(), journey(&cancelled)),
        (TransferState::Cancelled, vec![("A-1", 4, 1, 0, 3, 0)])
    );
    assert_eq!(room.there("A-1", &main, Condition::Sellable).await, 9);
    assert_eq!((room.stock("A-1").await, room.events("TransferCancelled").await), ((10, 0), 1));

    let ended = refusal(room.client().cancel_transfer(room.recall(&transfer)).await);
    assert_eq!((ended.code, ended.reason.as_str()), (Code::FailedPrecondition, "TRANSFER_ENDED"));
    assert_eq!(refusal(room.client().close_transfer(room.loss(&transfer)).await).reason, "TRANSFER_ENDED");
    let late = room.client().receive_transfer(room.arrival(&transfer, &[])).await;
    assert_eq!(refusal(late).reason, "TRANSFER_ENDED");
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_free_units_leave_and_only_what_left_arrives() {
    let (room, main, far) = two().await;
    room.reserve(&room.order(&[("A-1", 8)])).await;
    let status = room.client().dispatch_transfer(room.load_of(&main, &far, &[("A-1", 3)])).await.unwrap_err();
    assert_eq!(rpc::metadata(&status)["A-1"], "3/2");

    let transfer = room.dispatch(&main, &far, &[("A-1", 2)]).await;
    let over = [("A-1", 1, Condition::Sellable), ("A-1", 2, Condition::Sellable)];
    let status = room.client().receive_transfer(room.arrival(&transfer, &over)).await.unwrap_err();
    assert_eq!(
        (status.code(), rpc::reason(&status).unwrap().as_str()),
        (Code::FailedPrecondition, "OVER_RECEIPT")
    );
    assert_eq!(rpc::metadata(&status)["in_transit"], "1");
    let foreign =
        room.client().receive_transfer(room.arrival(&transfer, &[("B-2", 1, Condition::Sellable)])).await;
    assert_eq!(refusal(foreign).reason, "OVER_RECEIPT");
    assert_eq!(room.there("A-1", &far, Condition::InTransit).await, 2);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_transfers_newest_first_and_by_filter() {
    let (room, main, far) = two().await;
    let third = room.warehouse("Third").await;
    let mut made = Vec::new();
    for to in [&far, &third, &far] {
        made.insert(0, room.dispatch(&main, to, &[("A-1", 1)]).await.transfer_id);
    }
    let newest = room.transfer(&Transfer { transfer_id: made[0].clone(), ..Default::default() }).await;
    room.arrive(&newest, &[]).await;
    let list = async |filter: ListTransfersRequest| {
        let mut request = ListTransfersRequest { page_size: 2, ..filter };
        let mut ids = Vec::new();
        loop {
            let page = room.client().list_transfers(request.clone()).await.unwrap().into_inner();
            ids.extend(page.transfers.into_iter().map(|transfer| transfer.transfer_id));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return ids;
            }
        }
    };
    assert_eq!(list(Default::default()).await, made);
    let open = ListTransfersRequest { state: TransferState::Dispatched.into(), ..Default::default() };
    assert_eq!(list(open).await, made[1..]);
    let there = ListTransfersRequest { warehouse_id: third, ..Default::default() };
    assert_eq!(list(there).await, made[1..2]);
    let wrong = ListTransfersRequest { state: 9, warehouse_id: "x".to_owned(), ..Default::default() };
    assert_eq!(refusal(room.client().list_transfers(wrong).await).fields, ["state", "warehouse_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_a_transfer() {
    let (room, main, _) = two().await;
    let same = room.load_of(&main, &main, &[("A-1", 1)]);
    assert_eq!(refusal(room.client().dispatch_transfer(same).await).fields, ["to_warehouse_id"]);
    let empty = refusal(room.client().dispatch_transfer(DispatchTransferRequest::default()).await);
    assert_eq!(empty.fields, ["idempotency_key", "from_warehouse_id", "to_warehouse_id", "lines"]);
    let empty = refusal(room.client().receive_transfer(ReceiveTransferRequest::default()).await);
    assert_eq!(empty.fields, ["idempotency_key", "transfer_id"]);
    let empty = refusal(room.client().close_transfer(CloseTransferRequest::default()).await);
    assert_eq!(empty.fields, ["idempotency_key", "transfer_id", "note"]);
    let empty = refusal(room.client().cancel_transfer(CancelTransferRequest::default()).await);
    assert_eq!(empty.fields, ["idempotency_key", "transfer_id"]);
    let absent = Transfer { transfer_id: TransferId::new().to_string(), ..Default::default() };
    let unknown = refusal(room.client().receive_transfer(room.arrival(&absent, &[])).await);
    assert_eq!((unknown.code, unknown.reason.as_str()), (Code::NotFound, "TRANSFER_NOT_FOUND"));
    let get = GetTransferRequest { transfer_id: absent.transfer_id };
    assert_eq!(refusal(room.client().get_transfer(get).await).reason, "TRANSFER_NOT_FOUND");
}
