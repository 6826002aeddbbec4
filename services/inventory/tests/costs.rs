//! What goods cost when they came, where that is now, and what left with them.

use std::time::Duration;

use proto::inventory::v1::stock_adjustment::Change;
use proto::inventory::v1::*;
use testing::{World, refusal};
use tonic::Code;
use types::ShopId;

use crate::stockroom::Stockroom;
use crate::stockroom::documents::hryvnias;

/// Units and what one of them cost, line by line.
fn costs(lines: &[StockDocumentLine]) -> Vec<Vec<(i64, String)>> {
    let cost = |one: &UnitCost| (one.quantity, one.unit_cost.clone().unwrap().amount);
    lines.iter().map(|line| line.costs.iter().map(cost).collect()).collect()
}

fn cost(units: i64, amount: &str) -> (i64, String) {
    (units, amount.to_owned())
}

impl Stockroom {
    /// The costs of the newest document of a kind.
    async fn newest_costs(&self, kind: StockDocumentKind) -> Vec<Vec<(i64, String)>> {
        let request = ListStockDocumentsRequest { kind: kind.into(), page_size: 1, ..Default::default() };
        let found = self.client().list_stock_documents(request).await.unwrap().into_inner().documents;
        costs(&self.document(&found[0].document_id).await.lines)
    }

    async fn valuation(&self) -> Vec<(String, Condition, i64, i64, Vec<String>)> {
        let request = ListStockValuationRequest::default();
        let found = self.client().list_stock_valuation(request).await.unwrap().into_inner().valuations;
        let amounts = |one: &StockValuation| {
            one.amounts.iter().map(|sum| format!("{} {}", sum.amount, sum.currency_code)).collect()
        };
        found
            .iter()
            .map(|one| (one.sku.clone(), one.condition(), one.on_hand, one.valued, amounts(one)))
            .collect()
    }

    async fn layers(&self, request: ListCostLayersRequest) -> Vec<CostLayer> {
        self.client().list_cost_layers(request).await.unwrap().into_inner().layers
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_leave_first_and_every_issue_knows_its_cost() {
    let (room, main) = Stockroom::with(&[]).await;
    for (units, price) in [(3, "10.00"), (2, "12.50"), (5, "")] {
        room.buy(&main, &[("A-1", units, price, "")]).await;
        room.world.clock.advance(Duration::from_secs(60));
    }
    let order = room.reserve(&room.order(&[("A-1", 7)])).await;
    room.ship_part(&room.parcel(&order, "shm_a", &[("A-1", 4)])).await;
    assert_eq!(room.newest_costs(StockDocumentKind::Shipment).await, [[cost(3, "10.00"), cost(1, "12.50")]]);
    let parcel = room.parcel(&order, "shm_b", &[("A-1", 3)]);
    room.ship_part(&parcel).await;
    room.ship_part(&parcel).await;
    assert_eq!(room.newest_costs(StockDocumentKind::Shipment).await, [[cost(1, "12.50")]]);
    assert_eq!(room.valuation().await, [("A-1".to_owned(), Condition::Sellable, 3, 0, vec![])]);

    let request = ExplainStockRequest { sku: "A-1".to_owned(), ..Default::default() };
    let entries = room.client().explain_stock(request).await.unwrap().into_inner().entries;
    let shipped = entries.iter().filter(|entry| entry.kind() == PostingKind::Shipment);
    let sums: Vec<Vec<String>> = shipped
        .map(|entry| entry.costs.iter().map(|one| one.amount.clone().unwrap().amount).collect())
        .collect();
    assert_eq!(sums, [vec!["12.50"], vec!["30.00", "12.50"]]);
    assert!(entries.iter().filter(|entry| entry.on_hand_delta == 0).all(|entry| entry.costs.is_empty()));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_s_order_comes_in_parts_each_a_layer() {
    let (room, main) = Stockroom::with(&[]).await;
    let first = [("A-1", 4, "10.00", "PO-7"), ("A-1", 1, "9.00", "PO-7"), ("A-1", 1, "10.00", "PO-7")];
    let document = room.buy(&main, &first).await;
    room.world.clock.advance(Duration::from_secs(60));
    room.buy(&main, &[("A-1", 5, "11.00", "PO-7"), ("A-1", 1, "", "PO-8"), ("B-2", 1, "1.00", "")]).await;
    room.client().write_off_stock(room.write_off(&main, &[("A-1", 2)])).await.unwrap();

    let of_order = ListCostLayersRequest { supplier_order: "PO-7".to_owned(), ..Default::default() };
    let layers = room.layers(of_order.clone()).await;
    let facts: Vec<_> = layers
        .iter()
        .map(|one| (one.received, one.remaining, one.unit_cost.clone().unwrap().amount))
        .collect();
    let parts = [(5, 5, "11.00"), (1, 1, "9.00"), (5, 3, "10.00")];
    assert_eq!(facts, parts.map(|(received, left, price)| (received, left, price.to_owned())));
    assert_eq!(layers[2].document_id, document);
    assert_eq!(layers[2].places, [CostLayerPlace { warehouse_id: main, condition: 1, remaining: 3 }]);
    let lines = room.document(&document).await.lines;
    assert_eq!(lines.iter().map(|line| line.supplier_order.as_str()).collect::<Vec<_>>(), ["PO-7", "PO-7"]);
    assert_eq!(costs(&lines), [[cost(5, "10.00")], [cost(1, "9.00")]]);

    let mut pages = Vec::new();
    let mut request = ListCostLayersRequest { page_size: 1, ..of_order };
    loop {
        let page = room.client().list_cost_layers(request.clone()).await.unwrap().into_inner();
        pages.extend(page.layers);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages, layers);
    let of_sku = ListCostLayersRequest { sku: "B-2".to_owned(), ..Default::default() };
    assert_eq!(room.layers(of_sku).await.len(), 1);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_moved_keeps_its_cost_and_its_age() {
    let (room, main) = Stockroom::with(&[]).await;
    let far = room.warehouse("Far").await;
    room.buy(&main, &[("A-1", 2, "10.00", "PO-1")]).await;
    room.world.clock.advance(Duration::from_secs(60));
    room.buy(&far, &[("A-1", 2, "20.00", "PO-2")]).await;
    let transfer = room.dispatch(&main, &far, &[("A-1", 2)]).await;
    room.arrive(&transfer, &[("A-1", 1, Condition::Sellable)]).await;
    room.arrive(&transfer, &[("A-1", 1, Condition::Sellable)]).await;
    room.client().write_off_stock(room.write_off(&far, &[("A-1", 3)])).await.unwrap();
    let gone = room.newest_costs(StockDocumentKind::WriteOff).await;
    assert_eq!(gone, [[cost(2, "10.00"), cost(1, "20.00")]]);

    let judged = room.verdict(&far, &[("A-1", 1)], Condition::Sellable, Condition::Damaged);
    room.client().change_condition(judged).await.unwrap();
    let damaged = ("A-1".to_owned(), Condition::Damaged, 1, 1, vec!["20.00 UAH".to_owned()]);
    assert_eq!(room.valuation().await, [damaged]);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_come_back_at_the_cost_at_which_they_left() {
    let (room, main) = Stockroom::with(&[]).await;
    room.buy(&main, &[("A-1", 2, "10.00", "PO-1")]).await;
    room.world.clock.advance(Duration::from_secs(60));
    room.buy(&main, &[("A-1", 8, "15.00", "PO-2")]).await;
    let ordered = room.order(&[("A-1", 3)]);
    let order = room.reserve(&ordered).await;
    room.ship(&order.reservation_id).await;
    let other = room.reserve(&room.order(&[("A-1", 2)])).await;
    room.ship(&other.reservation_id).await;

    let back = |lines: &[(&str, i64, ReturnDisposition)]| PostReturnRequest {
        order_id: ordered.owner.clone(),
        ..room.returned(&main, lines)
    };
    let first = back(&[("A-1", 1, ReturnDisposition::Sellable)]);
    let second = back(&[("A-1", 1, ReturnDisposition::Quarantine), ("A-1", 1, ReturnDisposition::WriteOff)]);
    room.client().post_return(first.clone()).await.unwrap();
    room.client().post_return(first).await.unwrap();
    assert_eq!(room.newest_costs(StockDocumentKind::Return).await, [[cost(1, "10.00")]]);
    room.client().post_return(second).await.unwrap();
    assert_eq!(
        room.newest_costs(StockDocumentKind::Return).await,
        [[cost(1, "10.00")], [cost(1, "15.00")], [cost(1, "15.00")]]
    );
    let more = back(&[("A-1", 1, ReturnDisposition::Sellable)]);
    room.client().post_return(more).await.unwrap();
    let unknown = [Vec::<(i64, String)>::new()];
    assert_eq!(room.newest_costs(StockDocumentKind::Return).await, unknown, "more than had left");
    let sellable = ("A-1".to_owned(), Condition::Sellable, 7, 6, vec!["85.00 UAH".to_owned()]);
    let quarantine = ("A-1".to_owned(), Condition::Quarantine, 1, 1, vec!["10.00 UAH".to_owned()]);
    assert_eq!(room.valuation().await, [quarantine, sellable]);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_takes_and_gives_the_very_same_layers() {
    let (room, main) = Stockroom::with(&[]).await;
    room.buy(&main, &[("A-1", 2, "10.00", "")]).await;
    room.world.clock.advance(Duration::from_secs(60));
    let wrong = room.buy(&main, &[("A-1", 2, "99.00", "")]).await;
    room.client().reverse_document(room.reversal(&wrong)).await.unwrap();
    assert_eq!(room.newest_costs(StockDocumentKind::Reversal).await, [[cost(2, "99.00")]]);

    let lost = room.client().write_off_stock(room.write_off(&main, &[("A-1", 1)])).await.unwrap();
    let lost = lost.into_inner().document.unwrap().document_id;
    room.world.clock.advance(Duration::from_secs(60));
    room.client().reverse_document(room.reversal(&lost)).await.unwrap();
    let found = room.adjust(&main, &[("A-1", Change::Delta(1))]).await.document.unwrap().document_id;
    room.client().reverse_document(room.reversal(&found)).await.unwrap();
    let all = ("A-1".to_owned(), Condition::Sellable, 2, 2, vec!["20.00 UAH".to_owned()]);
    assert_eq!(room.valuation().await, [all]);
    let open = ListCostLayersRequest { remaining: true, ..Default::default() };
    assert_eq!(room.layers(open).await.len(), 1, "no layer but the first has units");
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_valuation_comes_by_sku_page_by_page_one_sum_per_currency() {
    let (room, main) = Stockroom::with(&[]).await;
    let far = room.warehouse("Far").await;
    let mut purchase =
        room.purchase(&main, &[("A-1", 2, "10.00", ""), ("A-1", 3, "0", ""), ("B-2", 1, "5", "")]);
    purchase.lines[1].unit_cost.as_mut().unwrap().currency_code = "JPY".to_owned();
    room.client().receive_stock(purchase).await.unwrap();
    room.receive(&far, &[("A-1", 4), ("AB-3", 1)]).await;
    let mut request =
        ListStockValuationRequest { page_size: 1, sku_prefix: "A".to_owned(), ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = room.client().list_stock_valuation(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.valuations.len(), 1);
        found.extend(page.valuations);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let sums = |one: &StockValuation| {
        one.amounts.iter().map(|sum| (sum.amount.clone(), sum.currency_code.clone())).collect::<Vec<_>>()
    };
    let facts: Vec<_> =
        found.iter().map(|one| (one.sku.as_str(), one.on_hand, one.valued, sums(one))).collect();
    let both = vec![("0".to_owned(), "JPY".to_owned()), ("20.00".to_owned(), "UAH".to_owned())];
    assert_eq!(facts, [("A-1", 5, 5, both), ("A-1", 4, 0, vec![]), ("AB-3", 1, 0, vec![])]);
    let there = ListStockValuationRequest { warehouse_id: far, ..Default::default() };
    let there = room.client().list_stock_valuation(there).await.unwrap().into_inner().valuations;
    assert_eq!(there.len(), 2);
    let wrong = ListStockValuationRequest { warehouse_id: "x".to_owned(), ..Default::default() };
    assert_eq!(refusal(room.client().list_stock_valuation(wrong).await).fields, ["warehouse_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_are_told_to_keys_of_the_whole_organisation_with_the_scope() {
    let (room, main) = Stockroom::with(&[]).await;
    let document_id = room.buy(&main, &[("A-1", 2, "10.00", "PO-1")]).await;
    let partner = room.client_as(World::partner(&[room.shop], &["inventory.read", "inventory.cost"]));
    let reader = room.partner(ShopId::new());
    for mut client in [partner.clone(), reader.clone()] {
        let request = GetStockDocumentRequest { document_id: document_id.clone() };
        let seen = client.get_stock_document(request).await.unwrap().into_inner();
        assert_eq!((seen.lines[0].on_hand_delta, seen.lines[0].costs.len()), (2, 0));
        let request = ExplainStockRequest { sku: "A-1".to_owned(), ..Default::default() };
        let entries = client.explain_stock(request).await.unwrap().into_inner().entries;
        assert!(entries.len() == 1 && entries[0].costs.is_empty());
    }
    let of_some = refusal(partner.clone().list_stock_valuation(ListStockValuationRequest::default()).await);
    assert_eq!((of_some.code, of_some.reason.as_str()), (Code::PermissionDenied, "ORGANIZATION_WIDE"));
    let of_some = refusal(partner.clone().list_cost_layers(ListCostLayersRequest::default()).await);
    assert_eq!((of_some.code, of_some.reason.as_str()), (Code::PermissionDenied, "ORGANIZATION_WIDE"));
    let without =
        reader.clone().list_stock_valuation(ListStockValuationRequest::default()).await.unwrap_err();
    assert_eq!(without.code(), Code::PermissionDenied);
    let without = reader.clone().list_cost_layers(ListCostLayersRequest::default()).await.unwrap_err();
    assert_eq!(without.code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_that_cannot_be_is_refused_by_its_field() {
    let (room, main) = Stockroom::with(&[]).await;
    let long = "x".repeat(129);
    let lines = [
        ("A-1", 1, "-0.01", ""),
        ("A-1", 1, "0.001", ""),
        ("A-1", 1_000_000_000, "100.01", ""),
        ("A-1", 1, "1.00", long.as_str()),
    ];
    let refused = refusal(room.client().receive_stock(room.purchase(&main, &lines)).await);
    let fields =
        ["lines[0].unit_cost", "lines[1].unit_cost.amount", "lines[2].unit_cost", "lines[3].supplier_order"];
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, fields.map(str::to_owned).to_vec()));
    let mut purchase = room.purchase(&main, &[("A-1", 1, "1.00", "")]);
    purchase.lines[0].unit_cost =
        Some(proto::r#type::v1::Money { currency_code: "XYZ".to_owned(), ..hryvnias("1") });
    let refused = refusal(room.client().receive_stock(purchase).await);
    assert_eq!(refused.fields, ["lines[0].unit_cost.currency_code"]);
    assert_eq!(room.stock("A-1").await, (0, 0));
}
