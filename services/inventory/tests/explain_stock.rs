//! Where every unit of a number comes from.

use proto::inventory::v1::stock_adjustment::Change::Counted;
use proto::inventory::v1::{ExplainStockRequest, ExplainStockResponse, PostingKind};
use testing::refusal;
use types::ShopId;

use crate::stockroom::{Client, Stockroom};

async fn explain(mut client: Client, sku: &str) -> ExplainStockResponse {
    let request = ExplainStockRequest { sku: sku.to_owned(), ..Default::default() };
    client.explain_stock(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unit_has_a_reason() {
    let (room, main) = Stockroom::with(&[("A-1", 10), ("B-2", 5)]).await;
    let shipped = room.reserve(&room.order(&[("A-1", 2)])).await;
    let held = room.reserve(&room.order(&[("A-1", 5), ("B-2", 1)])).await;
    let released = room.reserve(&room.order(&[("A-1", 1)])).await;
    room.ship(&shipped.reservation_id).await;
    room.release(&released.reservation_id).await;
    room.adjust(&main, &[("A-1", Counted(4))]).await;

    let explained = explain(room.client(), "A-1").await;
    assert_eq!((explained.levels[0].on_hand, explained.levels[0].reserved), (4, 4));
    assert_eq!((explained.ledger_on_hand, explained.ledger_reserved), (4, 4));
    assert_eq!(explained.reservations.len(), 1);
    assert_eq!(explained.reservations[0].reservation_id, held.reservation_id);
    let entries: Vec<_> = explained
        .entries
        .iter()
        .map(|entry| (entry.kind(), entry.on_hand_delta, entry.reserved_delta))
        .collect();
    let expected = [
        (PostingKind::Adjustment, -4, 0),
        (PostingKind::Shortage, 0, -1),
        (PostingKind::Release, 0, -1),
        (PostingKind::Shipment, -2, -2),
        (PostingKind::Reserve, 0, 1),
        (PostingKind::Reserve, 0, 5),
        (PostingKind::Reserve, 0, 2),
        (PostingKind::Receipt, 10, 0),
    ];
    assert_eq!(entries, expected);
    let release = &explained.entries[2];
    assert_eq!((release.reference.as_str(), release.note.as_str()), (released.owner.as_str(), "cancelled"));
    assert_eq!(release.actor, "operator:test");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_the_ledger_page_by_page_and_by_warehouse() {
    let (room, main) = Stockroom::with(&[("A-1", 1)]).await;
    let second = room.warehouse("Second").await;
    for _ in 0..4 {
        room.receive(&main, &[("A-1", 1)]).await;
    }
    room.receive(&second, &[("A-1", 7)]).await;

    let mut request = ExplainStockRequest {
        sku: "A-1".to_owned(),
        warehouse_id: main,
        page_size: 2,
        page_token: String::new(),
    };
    let mut sequences = Vec::new();
    loop {
        let page = room.client().explain_stock(request.clone()).await.unwrap().into_inner();
        assert_eq!((page.levels.len(), page.ledger_on_hand), (1, 5));
        sequences.extend(page.entries.iter().map(|entry| entry.sequence));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(sequences.len(), 5);
    assert!(sequences.is_sorted_by(|newer, older| newer > older));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_learns_the_quantities_of_others_and_nothing_else() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    let held = room.reserve(&room.order(&[("A-1", 2)])).await;

    let own = explain(room.partner(room.shop), "A-1").await;
    assert_eq!((own.reservations.len(), own.entries[0].reference.as_str()), (1, held.owner.as_str()));

    let foreign = explain(room.partner(ShopId::new()), "A-1").await;
    assert_eq!((foreign.reservations.len(), foreign.ledger_reserved), (0, 2));
    let entry = &foreign.entries[0];
    assert_eq!((entry.reserved_delta, entry.reference.as_str(), entry.actor.as_str()), (2, "", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sku_never_seen_explains_to_nothing() {
    let room = Stockroom::new().await;
    assert_eq!(explain(room.client(), "NEW").await, ExplainStockResponse::default());
    let wrong = ExplainStockRequest { warehouse_id: "x".to_owned(), ..Default::default() };
    assert_eq!(refusal(room.client().explain_stock(wrong).await).fields, ["sku", "warehouse_id"]);
}
