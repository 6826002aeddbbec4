//! Shortages: nothing that an accepted order wants is forgotten, and who waited longest gets what comes.

use std::time::Duration;

use proto::inventory::v1::stock_adjustment::Change::{Counted, Delta};
use proto::inventory::v1::{
    AssignShortageRequest, Condition, GetShortageRequest, ListShortagesRequest, ReserveStockRequest,
    Shortage, ShortageProposalKind, ShortageState, SplitPolicy,
};
use testing::refusal;
use tonic::Code;
use types::{ShopId, ShortageId};

use crate::stockroom::{Client, Stockroom, held, short, sources};

async fn list(mut client: Client, mut request: ListShortagesRequest) -> Vec<Shortage> {
    let mut found = Vec::new();
    loop {
        let page = client.list_shortages(request.clone()).await.unwrap().into_inner();
        found.extend(page.shortages);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return found;
        }
    }
}

fn ids(shortages: &[Shortage]) -> Vec<&str> {
    shortages.iter().map(|shortage| shortage.shortage_id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_accepted_order_lacks_is_somebodys_task() {
    let (room, _) = Stockroom::with(&[("A-1", 2)]).await;
    let order = room.accept(&[("A-1", 3), ("B-2", 1)]).await;
    assert_eq!(short(&order), [("A-1", 3, 2), ("B-2", 1, 0)]);
    let shortage = room.shortage(&order.shortages[0].shortage_id).await;
    assert_eq!((shortage.state(), shortage.missing), (ShortageState::Open, 1));
    assert_eq!((&shortage.owner, &shortage.shop_id), (&order.owner, &room.shop.to_string()));
    assert_eq!(shortage.reservation_id, order.reservation_id);
    let (opened, due) = (shortage.create_time.unwrap(), shortage.due_time.unwrap());
    assert_eq!(due.seconds - opened.seconds, 24 * 3600);
    assert_eq!((room.events("ShortageOpened").await, room.history("reserve_stock").await), (2, 3));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_goes_to_the_oldest_first() {
    let (room, main) = Stockroom::with(&[]).await;
    let oldest = room.accept(&[("A-1", 3)]).await;
    let middle = room.accept(&[("A-1", 2), ("B-2", 1)]).await;
    let newest = room.accept(&[("A-1", 2)]).await;

    room.receive(&main, &[("A-1", 4)]).await;
    assert_eq!(held(&room.reservation(&oldest.reservation_id).await), [("A-1", 3)]);
    assert_eq!(short(&room.reservation(&middle.reservation_id).await), [("A-1", 2, 1), ("B-2", 1, 0)]);
    assert_eq!(short(&room.reservation(&newest.reservation_id).await), [("A-1", 2, 0)]);
    assert_eq!(room.stock("A-1").await, (4, 4), "nothing is left for who comes now");
    let late = room.try_reserve(room.order(&[("A-1", 1)])).await;
    assert_eq!(refusal(late).reason, "OUT_OF_STOCK");
    assert_eq!(room.events("ShortageCovered").await, 2);
    let covered = room.shortage(&oldest.shortages[0].shortage_id).await;
    assert_eq!(
        (covered.state(), covered.missing, covered.end_time.is_some()),
        (ShortageState::Covered, 0, true)
    );
    assert_eq!(covered.proposals, []);
    room.assert_books_balance().await;

    room.adjust(&main, &[("A-1", Delta(1))]).await;
    assert_eq!(short(&room.reservation(&middle.reservation_id).await), [("B-2", 1, 0)]);
    room.release(&oldest.reservation_id).await;
    assert_eq!(held(&room.reservation(&newest.reservation_id).await), [("A-1", 2)]);
    assert_eq!(room.stock("A-1").await, (5, 4));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_brings_sellable_units_covers() {
    let (room, main) = Stockroom::with(&[]).await;
    let far = room.warehouse("Far").await;
    let lacking = |room: &Stockroom| ReserveStockRequest {
        accept_shortage: true,
        warehouse_ids: vec![main.clone()],
        ..room.order(&[("A-1", 1)])
    };
    let orders = [room.reserve(&lacking(&room)).await, room.reserve(&lacking(&room)).await];
    room.receive(&far, &[("A-1", 1)]).await;
    assert_eq!(room.reservation(&orders[0].reservation_id).await.shortages.len(), 1, "not from there");

    let transfer = room.dispatch(&far, &main, &[("A-1", 1)]).await;
    assert_eq!(room.reservation(&orders[0].reservation_id).await.shortages.len(), 1, "not yet");
    room.arrive(&transfer, &[]).await;
    assert_eq!(sources(&room.reservation(&orders[0].reservation_id).await), [(main.as_str(), 1)]);

    let quarantine = proto::inventory::v1::ReceiveStockRequest {
        condition: Condition::Quarantine.into(),
        ..room.receipt(&main, &[("A-1", 1)])
    };
    room.client().receive_stock(quarantine).await.unwrap();
    assert_eq!(
        room.reservation(&orders[1].reservation_id).await.shortages.len(),
        1,
        "not before it is looked at"
    );
    let cleared = room.verdict(&main, &[("A-1", 1)], Condition::Quarantine, Condition::Sellable);
    room.client().change_condition(cleared).await.unwrap();
    assert_eq!(sources(&room.reservation(&orders[1].reservation_id).await), [(main.as_str(), 1)]);
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_in_one_warehouse_is_taken_from_another() {
    let (room, main) = Stockroom::with(&[("A-1", 5)]).await;
    let order = room.reserve(&room.order(&[("A-1", 5)])).await;
    let second = room.warehouse("Second").await;
    room.receive(&second, &[("A-1", 2)]).await;
    let adjusted = room.adjust(&main, &[("A-1", Counted(2))]).await;
    assert_eq!(adjusted.short_reservation_ids, [order.reservation_id.as_str()]);
    let order = room.reservation(&order.reservation_id).await;
    assert_eq!(sources(&order), [(main.as_str(), 2), (second.as_str(), 2)]);
    assert_eq!(short(&order), [("A-1", 5, 4)]);
    assert_eq!((room.events("StockShort").await, room.events("ShortageOpened").await), (1, 1));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_wanted_is_closed() {
    let (room, main) = Stockroom::with(&[]).await;
    let order = room.accept(&[("A-1", 3)]).await;
    room.release(&order.reservation_id).await;
    let closed = room.shortage(&order.shortages[0].shortage_id).await;
    assert_eq!((closed.state(), closed.missing), (ShortageState::Closed, 0));
    assert_eq!(room.events("ShortageClosed").await, 1);
    room.receive(&main, &[("A-1", 3)]).await;
    assert_eq!(room.stock("A-1").await, (3, 0));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_say_what_can_be_done() {
    let (room, main) = Stockroom::with(&[("B-2", 1)]).await;
    let (far, farther) = (room.warehouse("Far").await, room.warehouse("Farther").await);
    room.receive(&far, &[("A-1", 2)]).await;
    room.receive(&farther, &[("A-1", 9)]).await;
    let order = ReserveStockRequest {
        accept_shortage: true,
        warehouse_ids: vec![main.clone()],
        ..room.order(&[("A-1", 3), ("B-2", 1)])
    };
    let order = room.reserve(&order).await;
    room.buy(&main, &[("A-1", 1, "", "PO-1"), ("B-2", 1, "3.00", "PO-9")]).await;
    let taken = room.write_off(&main, &[("A-1", 1)]);
    room.client().write_off_stock(taken).await.unwrap();
    let late = prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 };
    let soon = prost_types::Timestamp { seconds: 3_000_000_000, nanos: 0 };
    let expected = |units, expect_time| proto::inventory::v1::DispatchTransferRequest {
        expect_time,
        ..room.load_of(&farther, &main, &[("A-1", units)])
    };
    room.client().dispatch_transfer(expected(1, None)).await.unwrap();
    room.client().dispatch_transfer(expected(1, Some(late))).await.unwrap();
    let transfer = room.client().dispatch_transfer(expected(1, Some(soon))).await.unwrap().into_inner();
    assert_eq!((transfer.expect_time, room.transfer(&transfer).await.expect_time), (Some(soon), Some(soon)));

    let shortage = room.shortage(&order.shortages[0].shortage_id).await;
    let proposals: Vec<_> = shortage
        .proposals
        .iter()
        .map(|one| (one.kind(), one.warehouse_id.as_str(), one.to_warehouse_id.as_str(), one.quantity))
        .collect();
    let expected = [
        (ShortageProposalKind::OtherWarehouse, farther.as_str(), "", 3),
        (ShortageProposalKind::OtherWarehouse, far.as_str(), "", 2),
        (ShortageProposalKind::Transfer, farther.as_str(), main.as_str(), 3),
        (ShortageProposalKind::Transfer, far.as_str(), main.as_str(), 2),
        (ShortageProposalKind::Partial, "", "", 1),
        (ShortageProposalKind::Supplier, "", "", 3),
        (ShortageProposalKind::Wait, farther.as_str(), main.as_str(), 1),
        (ShortageProposalKind::Wait, farther.as_str(), main.as_str(), 1),
        (ShortageProposalKind::Wait, farther.as_str(), main.as_str(), 1),
    ];
    assert_eq!(proposals, expected);
    assert_eq!(shortage.proposals[5].supplier_order, "PO-1", "what brought the SKU last");
    assert_eq!(shortage.proposals[6].transfer_id, transfer.transfer_id, "what comes first");
    let times: Vec<_> = shortage.proposals[6..].iter().map(|one| one.expect_time).collect();
    assert_eq!(times, [Some(soon), Some(late), None]);
    assert_eq!(list(room.client(), Default::default()).await[0].proposals, shortage.proposals);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_takes_units_from_a_warehouse_now() {
    let (room, main) = Stockroom::with(&[]).await;
    let far = room.warehouse("Far").await;
    room.receive(&far, &[("A-1", 2)]).await;
    let order = ReserveStockRequest {
        accept_shortage: true,
        warehouse_ids: vec![main.clone()],
        split: SplitPolicy::OneWarehouse.into(),
        ..room.order(&[("A-1", 3)])
    };
    let order = room.reserve(&order).await;
    let shortage = &order.shortages[0];

    let too_many = refusal(room.client().cover_shortage(room.taking(shortage, &far, 4)).await);
    assert_eq!((too_many.code, too_many.reason.as_str()), (Code::FailedPrecondition, "MORE_THAN_MISSING"));
    let status = room.client().cover_shortage(room.taking(shortage, &far, 3)).await.unwrap_err();
    assert_eq!(rpc::metadata(&status)["A-1"], "3/2");
    let taking = room.taking(shortage, &far, 0);
    let smaller = room.client().cover_shortage(taking.clone()).await.unwrap().into_inner();
    assert_eq!((smaller.state(), smaller.missing, smaller.available), (ShortageState::Open, 1, 2));
    assert_eq!(room.client().cover_shortage(taking).await.unwrap().into_inner(), smaller);
    assert_eq!(room.stock("A-1").await, (2, 2));
    let none = refusal(room.client().cover_shortage(room.taking(shortage, &far, 0)).await);
    assert_eq!(none.reason, "OUT_OF_STOCK");

    let closed = room.archived_warehouse("Closed").await;
    room.receive(&closed, &[("A-1", 1)]).await;
    let archived = refusal(room.client().cover_shortage(room.taking(shortage, &closed, 1)).await);
    assert_eq!((archived.code, archived.reason.as_str()), (Code::FailedPrecondition, "WAREHOUSE_ARCHIVED"));
    room.receive(&far, &[("A-1", 1)]).await;
    let covered = room.reservation(&order.reservation_id).await;
    assert_eq!(short(&covered), [("A-1", 3, 2)], "the shop's warehouses do not name the far one");
    room.client().cover_shortage(room.taking(shortage, &far, 1)).await.unwrap();
    let ended = refusal(room.client().cover_shortage(room.taking(shortage, &far, 1)).await);
    assert_eq!((ended.code, ended.reason.as_str()), (Code::FailedPrecondition, "SHORTAGE_ENDED"));
    assert_eq!((room.events("ShortageCovered").await, room.history("cover_shortage").await), (2, 2));
    room.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_takes_care_until_a_time() {
    let (room, _) = Stockroom::with(&[]).await;
    let order = room.accept(&[("A-1", 3)]).await;
    let shortage_id = order.shortages[0].shortage_id.clone();
    let due = prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 };
    let assign = |assignee: &str, due_time| AssignShortageRequest {
        shortage_id: shortage_id.clone(),
        assignee: assignee.to_owned(),
        due_time,
    };
    let assigned = room.client().assign_shortage(assign("anna", Some(due))).await.unwrap().into_inner();
    assert_eq!((assigned.assignee.as_str(), assigned.due_time), ("anna", Some(due)));
    room.client().assign_shortage(assign("anna", None)).await.unwrap();
    assert_eq!((room.events("ShortageAssigned").await, room.history("assign_shortage").await), (1, 1));
    assert_eq!(room.reservation(&order.reservation_id).await.shortages[0].assignee, "anna");

    room.release(&order.reservation_id).await;
    let late = refusal(room.client().assign_shortage(assign("boris", None)).await);
    assert_eq!((late.code, late.reason.as_str()), (Code::FailedPrecondition, "SHORTAGE_ENDED"));
    let wrong = AssignShortageRequest { assignee: "x".repeat(129), ..Default::default() };
    assert_eq!(refusal(room.client().assign_shortage(wrong).await).fields, ["shortage_id", "assignee"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_urgent_come_first_page_by_page_and_by_filter() {
    let (room, main) = Stockroom::with(&[]).await;
    let mut made = Vec::new();
    for sku in ["A-1", "B-2", "A-1", "C-3"] {
        made.push(room.accept(&[(sku, 1)]).await.shortages.remove(0));
        room.world.clock.advance(Duration::from_secs(1));
    }
    let first = prost_types::Timestamp { seconds: 1_000_000_000, nanos: 0 };
    let urgent = AssignShortageRequest {
        shortage_id: made[2].shortage_id.clone(),
        assignee: "anna".to_owned(),
        due_time: Some(first),
    };
    room.client().assign_shortage(urgent).await.unwrap();
    room.receive(&main, &[("C-3", 1)]).await;
    let expected =
        |places: &[usize]| places.iter().map(|at| made[*at].shortage_id.clone()).collect::<Vec<_>>();
    let all = ListShortagesRequest { page_size: 1, ..Default::default() };
    assert_eq!(ids(&list(room.client(), all.clone()).await), expected(&[2, 0, 1, 3]));
    let open = ListShortagesRequest { state: ShortageState::Open.into(), ..all.clone() };
    assert_eq!(ids(&list(room.client(), open).await), expected(&[2, 0, 1]));
    let of_sku = ListShortagesRequest { sku: "A-1".to_owned(), ..all.clone() };
    assert_eq!(ids(&list(room.client(), of_sku).await), expected(&[2, 0]));
    let overdue = ListShortagesRequest { overdue: true, ..all.clone() };
    assert_eq!(ids(&list(room.client(), overdue.clone()).await), expected(&[2]));
    let hers = ListShortagesRequest { assignee: "anna".to_owned(), ..all.clone() };
    assert_eq!(ids(&list(room.client(), hers).await), expected(&[2]));
    let nobodys = ListShortagesRequest { unassigned: true, ..all.clone() };
    assert_eq!(ids(&list(room.client(), nobodys).await), expected(&[0, 1, 3]));
    let other = ListShortagesRequest { shop_id: ShopId::new().to_string(), ..all };
    assert_eq!(ids(&list(room.client(), other).await), [""; 0]);
    room.world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(ids(&list(room.client(), overdue).await), expected(&[2, 0, 1]));

    let wrong = ListShortagesRequest {
        state: 9,
        sku: " ".to_owned(),
        shop_id: "x".to_owned(),
        assignee: "anna".to_owned(),
        unassigned: true,
        ..Default::default()
    };
    let refused = refusal(room.client().list_shortages(wrong).await);
    assert_eq!(refused.fields, ["state", "sku", "shop_id", "unassigned"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_sees_and_covers_its_own() {
    let (room, main) = Stockroom::with(&[]).await;
    let order = room.accept(&[("A-1", 1)]).await;
    let shortage = &order.shortages[0];
    let (own, foreign) = (room.partner(room.shop), room.partner(ShopId::new()));
    assert_eq!(ids(&list(own.clone(), Default::default()).await), [shortage.shortage_id.as_str()]);
    assert_eq!(ids(&list(foreign.clone(), Default::default()).await), [""; 0]);
    let shortage_id = shortage.shortage_id.clone();
    let get = GetShortageRequest { shortage_id: shortage_id.clone() };
    let unknown = GetShortageRequest { shortage_id: ShortageId::new().to_string() };
    let absent = refusal(own.clone().get_shortage(unknown).await);
    assert_eq!((absent.code, absent.reason.as_str()), (Code::NotFound, "SHORTAGE_NOT_FOUND"));
    assert_eq!(refusal(foreign.clone().get_shortage(get).await).reason, "SHORTAGE_NOT_FOUND");
    let assign = AssignShortageRequest { shortage_id, ..Default::default() };
    assert_eq!(refusal(foreign.clone().assign_shortage(assign).await).reason, "SHORTAGE_NOT_FOUND");
    let taking = room.taking(shortage, &main, 1);
    assert_eq!(refusal(foreign.clone().cover_shortage(taking).await).reason, "SHORTAGE_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_shortages_of_one_order_are_told_without_repeating_each_other() {
    let room = Stockroom::new().await;
    let skus: Vec<String> = (0..300).map(|at| format!("S-{at:03}")).collect();
    let lines: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 1)).collect();
    room.accept(&lines).await;
    assert_eq!(room.events("ShortageOpened").await, 300);
    let told = "SELECT sum(length(body)) FROM event_log";
    assert!(room.number(&format!("SELECT ({told})::bigint")).await < 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlooked_shortage_is_covered_by_the_clock() {
    let (room, main) = Stockroom::with(&[]).await;
    let order = room.accept(&[("A-1", 2)]).await;
    // As if the first receipt of the SKU had met the order in the same moment.
    let database = room.world.database("inventory").client().await;
    let document = "00000000-0000-0000-0000-000000000001";
    database
        .batch_execute(&format!(
            "INSERT INTO stock_documents (document_id, kind, reference, note, author, post_time)
             VALUES ('{document}', 'receipt', '', '', '', now());
             INSERT INTO stock_levels SELECT 'A-1', warehouse_id, 'sellable', 2, 0, 1, now() FROM warehouses;
             INSERT INTO stock_ledger (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference,
                                       note, actor, post_time, document_id)
             SELECT 'A-1', warehouse_id, 'sellable', 'receipt', 2, 0, '', '', '', now(), '{document}' FROM warehouses;
             INSERT INTO cost_layers (layer_id, sku, received, supplier_order, receive_time)
             VALUES ('{document}', 'A-1', 2, '', now());
             INSERT INTO cost_layer_places SELECT 'A-1', warehouse_id, 'sellable', now(), '{document}', 2 FROM warehouses;
             INSERT INTO stock_costs SELECT max(sequence), '{document}', 2 FROM stock_ledger WHERE on_hand_delta > 0"
        ))
        .await
        .unwrap();
    testing::eventually("it is covered", async || {
        let now = room.reservation(&order.reservation_id).await;
        (sources(&now) == [(main.as_str(), 2)]).then_some(())
    })
    .await;
    assert_eq!((room.events("ShortageCovered").await, room.history("cover_shortages").await), (1, 1));
    room.assert_books_balance().await;
}
