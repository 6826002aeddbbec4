//! Goods that come back: never more than left, in stock as they were found, and paid back once.

use proto::inventory::v1::ReturnDisposition as Posted;
use proto::orders::v1 as pb;
use proto::orders::v1::{ReturnDisposition, ReturnState};
use serde_json::json;
use tonic::{Code, Response, Status};
use types::{CustomerId, WarehouseId};

use crate::neighbours::Failure;
use crate::shop::{Shop, facts, refusal, uah};

/// An order that its buyer has, and has paid.
async fn sold(shop: &Shop, lines: &[(&str, i32)], paid_minor: i64) -> pb::Order {
    let order = shop.placed(shop.parcel(lines)).await;
    for state in [pb::OrderState::Assembling, pb::OrderState::Delivery, pb::OrderState::Complete] {
        shop.change_state(&order.order_id, state).await.unwrap();
    }
    if paid_minor > 0 {
        shop.pay(&order.payment_id, paid_minor);
    }
    shop.eventually(&order.order_id, "it is sold", |now| {
        now.paid == Some(money(paid_minor)) && !now.shipment_ids.is_empty()
    })
    .await
}

fn money(minor: i64) -> proto::r#type::v1::Money {
    rpc::wire::money(types::Money::new("UAH".parse().unwrap(), minor))
}

fn wish(shop: &Shop, order: &pb::Order, units: &[(usize, i32)]) -> pb::CreateReturnRequest {
    let line = |(at, quantity): &(usize, i32)| pb::NewReturnLine {
        line_id: order.lines[*at].line_id.clone(),
        quantity: *quantity,
        reason: "defective".to_owned(),
        photo_urls: vec!["https://photos.example/1.jpg".to_owned()],
        note: "подряпаний".to_owned(),
        ..Default::default()
    };
    pb::CreateReturnRequest {
        order_id: order.order_id.clone(),
        lines: units.iter().map(line).collect(),
        comment: "хочу гроші".to_owned(),
        idempotency_key: shop.key(),
        ..Default::default()
    }
}

async fn ask(shop: &Shop, order: &pb::Order, units: &[(usize, i32)]) -> Result<Response<pb::Return>, Status> {
    shop.client().create_return(wish(shop, order, units)).await
}

async fn approve(shop: &Shop, one: &pb::Return) -> pb::Return {
    let request = pb::ApproveReturnRequest {
        return_id: one.return_id.clone(),
        idempotency_key: shop.key(),
        ..Default::default()
    };
    shop.client().approve_return(request).await.unwrap().into_inner()
}

fn receipt(
    shop: &Shop,
    one: &pb::Return,
    found: &[(i32, i32, ReturnDisposition)],
) -> pb::ReceiveReturnRequest {
    let units = |(position, quantity, disposition): &(i32, i32, ReturnDisposition)| pb::ReceivedUnits {
        position: *position,
        quantity: *quantity,
        disposition: (*disposition).into(),
        note: "у коробці".to_owned(),
    };
    pb::ReceiveReturnRequest {
        return_id: one.return_id.clone(),
        warehouse_id: WarehouseId::derived(uuid::Uuid::nil(), 0).to_string(),
        lines: found.iter().map(units).collect(),
        idempotency_key: shop.key(),
        ..Default::default()
    }
}

fn resolution(shop: &Shop, one: &pb::Return) -> pb::ResolveReturnRequest {
    pb::ResolveReturnRequest {
        return_id: one.return_id.clone(),
        idempotency_key: shop.key(),
        ..Default::default()
    }
}

async fn received(shop: &Shop, order: &pb::Order, units: &[(usize, i32)]) -> pb::Return {
    let one = approve(shop, &ask(shop, order, units).await.unwrap().into_inner()).await;
    let found: Vec<_> = units
        .iter()
        .zip(0..)
        .map(|((_, quantity), position)| (position, *quantity, ReturnDisposition::Sellable))
        .collect();
    shop.client().receive_return(receipt(shop, &one, &found)).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_come_back_step_by_step() {
    let shop = Shop::open().await;
    let order = sold(&shop, &[("A-1", 3), ("KIT", 2)], 43_000).await;
    let stock = shop.them.state().stock.clone();

    let one = ask(&shop, &order, &[(0, 2), (1, 1)]).await.unwrap().into_inner();
    assert_eq!((one.state(), one.customer_id.as_str()), (ReturnState::Requested, order.customer_id.as_str()));
    assert_eq!(one.lines[0].photo_urls, ["https://photos.example/1.jpg"]);
    let one = approve(&shop, &one).await;
    let sent = pb::SendReturnRequest {
        return_id: one.return_id.clone(),
        carrier: "nova-poshta".to_owned(),
        tracking_number: "59000".to_owned(),
        etag: one.etag.clone(),
        idempotency_key: shop.key(),
    };
    let one = shop.client().send_return(sent).await.unwrap().into_inner();
    assert_eq!((one.state(), one.tracking_number.as_str()), (ReturnState::InTransit, "59000"));
    let unchanged = shop.order(&order.order_id).await;
    assert!(unchanged.lines.iter().all(|line| line.returned == 0), "nothing came back yet");

    use ReturnDisposition::{Quarantine, Sellable, WriteOff};
    let found = [(0, 1, Sellable), (0, 1, WriteOff), (1, 1, Quarantine)];
    let one = shop.client().receive_return(receipt(&shop, &one, &found)).await.unwrap().into_inner();

    assert_eq!((one.state(), one.amount.clone()), (ReturnState::Received, uah("240.00")));
    assert_eq!(one.lines[0].received.len(), 2);
    let back = shop.order(&order.order_id).await;
    assert_eq!([back.lines[0].returned, back.lines[1].returned], [2, 1]);
    {
        let state = shop.them.state();
        let posting = state.returns.values().next().unwrap();
        let lines: Vec<_> =
            posting.lines.iter().map(|line| (line.sku.as_str(), line.quantity, line.disposition())).collect();
        let expected = [
            ("A-1", 1, Posted::Sellable),
            ("A-1", 1, Posted::WriteOff),
            ("C-1", 2, Posted::Quarantine),
            ("C-2", 1, Posted::Quarantine),
        ];
        assert_eq!(lines, expected);
        assert_eq!(
            (posting.return_id.as_str(), posting.order_id.as_str()),
            (one.return_id.as_str(), order.order_id.as_str())
        );
        assert_eq!(state.stock["A-1"], stock["A-1"] + 1);
    }

    let done = shop.client().resolve_return(resolution(&shop, &one)).await.unwrap().into_inner();

    assert_eq!((done.state(), done.credited_total.clone()), (ReturnState::Resolved, uah("240.00")));
    assert_eq!(done.refunds.len(), 1);
    assert_eq!(shop.them.state().payments[&order.payment_id].refunded, 24_000);
    shop.tell_refunded(&order.payment_id);
    let settled = shop
        .eventually(&order.order_id, "the refund is heard of", |order| order.refunded == uah("240.00"))
        .await;
    assert_eq!((settled.balance.clone(), settled.returned_total.clone()), (uah("0.00"), uah("240.00")));
    assert_eq!(settled.payment_status(), pb::PaymentStatus::Paid);
    assert_eq!(settled.total, order.total, "what was sold stays known");
    assert_eq!(
        shop.events(&one.return_id).await,
        ["ReturnRequested", "ReturnApproved", "ReturnDispatched", "ReturnReceived", "ReturnResolved"]
    );
    let history = pb::ListReturnHistoryRequest { return_id: one.return_id.clone(), ..Default::default() };
    let history = shop.client().list_return_history(history).await.unwrap().into_inner();
    let actions: Vec<_> = history.entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "orders.resolve_return",
            "orders.receive_return",
            "orders.send_return",
            "orders.approve_return",
            "orders.create_return"
        ]
    );
    let changes = shop.last_changes(&order.order_id, "orders.receive_return").await;
    assert!(changes.contains(&("lines[0].returned".to_owned(), json!(0), json!(2))));
    for told in ["подряпаний", "гроші", "коробці", "photos"] {
        let leaks = format!("SELECT count(*) FROM audit_log WHERE changes::text LIKE '%{told}%'");
        let events = shop.rows_with("event_log", "body", told).await;
        let sagas = shop.rows_with("sagas", "input", told).await;
        assert_eq!((shop.count(&leaks).await, events, sagas), (0, 0, 0), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn never_more_comes_back_than_left() {
    let shop = Shop::open().await;
    let order = sold(&shop, &[("A-1", 5)], 0).await;

    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (mut client, request) = (shop.client(), wish(&shop, &order, &[(0, 2)]));
            tokio::spawn(async move { client.create_return(request).await })
        })
        .collect();
    let mut taken = Vec::new();
    for call in calls {
        match call.await.unwrap() {
            Ok(one) => taken.push(one.into_inner()),
            Err(status) => {
                assert_eq!(rpc::reason(&status).as_deref(), Some("NOT_RETURNABLE"));
                assert_eq!(rpc::metadata(&status)["lines[0]"], "2/1");
            }
        }
    }
    assert_eq!(taken.len(), 2);

    // What is given up may be asked for again; what came back may not.
    let request = pb::CancelReturnRequest {
        return_id: taken[0].return_id.clone(),
        idempotency_key: shop.key(),
        ..Default::default()
    };
    assert_eq!(
        shop.client().cancel_return(request).await.unwrap().into_inner().state(),
        ReturnState::Cancelled
    );
    let other = received(&shop, &order, &[(0, 3)]).await;
    assert_eq!(other.state(), ReturnState::Received);
    assert_eq!(testing::refusal(ask(&shop, &order, &[(0, 1)]).await).reason, "NOT_RETURNABLE");
    let more = receipt(&shop, &approve(&shop, &taken[1]).await, &[(0, 3, ReturnDisposition::Sellable)]);
    let more = shop.client().receive_return(more).await;
    assert_eq!(
        (refusal(&more).reason.as_str(), facts(&more)["lines[0]"].as_str()),
        ("MORE_THAN_RETURNED", "3/2")
    );
    let unsent = shop.placed(shop.cart(&[("A-1", 1)])).await;
    assert_eq!(testing::refusal(ask(&shop, &unsent, &[(0, 1)]).await).reason, "NOT_RETURNABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_given_back_payment_by_payment() {
    let shop = Shop::open().await;
    // Paid by two payments: the second was opened by an edit.
    let order = shop.placed(shop.parcel(&[("A-1", 2)])).await;
    shop.pay(&order.payment_id, 25_000);
    let paid = shop.eventually(&order.order_id, "it is paid", |order| order.balance == uah("0.00")).await;
    let more = pb::Order { lines: vec![pb::OrderLine { ordered: 3, ..paid.lines[0].clone() }], ..paid };
    let more = shop.update(shop.edit(&more, &["lines"])).await.unwrap().into_inner();
    shop.pay(&more.payment_ids[1], 10_000);
    for state in [pb::OrderState::Assembling, pb::OrderState::Delivery] {
        shop.change_state(&order.order_id, state).await.unwrap();
    }
    let order =
        shop.eventually(&order.order_id, "all of it is paid", |order| order.paid == uah("350.00")).await;
    let one = received(&shop, &order, &[(0, 3)]).await;

    let mut request = resolution(&shop, &one);
    request.refund_delivery = true;
    // The second payment refuses first: what the first gave back stays known, and the rest follows.
    shop.them.state().payments.get_mut(&order.payment_ids[1]).unwrap().refunded = 10_000;
    let refused = testing::refusal(shop.client().resolve_return(request.clone()).await);
    assert_eq!(refused.reason, "REFUND_ABOVE_CAPTURED");
    let get = pb::GetReturnRequest { return_id: one.return_id.clone() };
    let half = shop.client().get_return(get).await.unwrap().into_inner();
    assert_eq!((half.state(), half.credited_total.clone()), (ReturnState::Received, uah("0.00")));
    assert_eq!(half.refunds.iter().map(|refund| refund.amount.clone()).collect::<Vec<_>>(), [uah("250.00")]);
    shop.tell_refunded(&order.payment_ids[0]);
    shop.eventually(&order.order_id, "it is heard of", |order| order.refunded == uah("250.00")).await;
    shop.them.state().payments.get_mut(&order.payment_ids[1]).unwrap().refunded = 0;

    let done = shop.client().resolve_return(request.clone()).await.unwrap().into_inner();
    let again = shop.client().resolve_return(request).await.unwrap().into_inner();

    assert_eq!(done, again);
    assert_eq!(done.credited_total, uah("350.00"), "goods and delivery");
    let refunds: Vec<_> =
        done.refunds.iter().map(|refund| (refund.payment_id.clone(), refund.amount.clone())).collect();
    let expected =
        [(order.payment_ids[0].clone(), uah("250.00")), (order.payment_ids[1].clone(), uah("100.00"))];
    assert_eq!(refunds, expected);
    shop.tell_refunded(&order.payment_ids[1]);
    let settled =
        shop.eventually(&order.order_id, "all is back", |order| order.refunded == uah("350.00")).await;
    assert_eq!(
        (settled.balance.clone(), settled.payment_status()),
        (uah("0.00"), pb::PaymentStatus::Refunded)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_back_that_was_not_kept() {
    let shop = Shop::open().await;
    let unpaid = sold(&shop, &[("A-1", 2)], 0).await;
    let half = sold(&shop, &[("A-1", 2)], 17_000).await;

    let one = received(&shop, &unpaid, &[(0, 1)]).await;
    let one = shop.client().resolve_return(resolution(&shop, &one)).await.unwrap().into_inner();
    assert_eq!((one.credited_total.clone(), one.refunds.len()), (uah("100.00"), 0));
    assert_eq!(shop.order(&unpaid.order_id).await.balance, uah("150.00"), "it owes so much less");

    // 250.00 less 170.00 paid: of a credit of 100.00 the buyer gets back what he has paid too much.
    let two = received(&shop, &half, &[(0, 1)]).await;
    let two = shop.client().resolve_return(resolution(&shop, &two)).await.unwrap().into_inner();
    assert_eq!(two.refunds[0].amount, uah("20.00"));
    assert_eq!(shop.them.state().payments[&half.payment_id].refunded, 2_000);

    // Signs of use: less is credited; more than the goods are worth is not.
    let third = received(&shop, &half, &[(0, 1)]).await;
    let more = pb::ResolveReturnRequest { amount: uah("100.01"), ..resolution(&shop, &third) };
    let more = shop.client().resolve_return(more).await;
    assert_eq!(
        (refusal(&more).reason.as_str(), refusal(&more).code),
        ("ABOVE_VALUE", Code::FailedPrecondition)
    );
    let none = pb::ResolveReturnRequest { amount: uah("0.00"), ..resolution(&shop, &third) };
    let none = shop.client().resolve_return(none).await.unwrap().into_inner();
    assert_eq!((none.state(), none.refunds.len()), (ReturnState::Resolved, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn line_totals_come_back_to_the_last_cent() {
    let shop = Shop::open().await;
    shop.them.state().products.get_mut("G-1").unwrap().price = Some("10.01");
    // 10.01 a thousand: three of 333 cost 3.33 together; each comes back alone.
    let order = sold(&shop, &[("G-1", 333)], 5_333).await;
    assert_eq!(order.goods_total, uah("3.33"));
    let mut credited = 0;
    for units in [100, 111, 122] {
        let one = received(&shop, &order, &[(0, units)]).await;
        let one = shop.client().resolve_return(resolution(&shop, &one)).await.unwrap().into_inner();
        let amount = one.credited_total.unwrap().amount;
        credited += types::Money::parse(&amount, "UAH".parse().unwrap()).unwrap().minor();
        shop.tell_refunded(&order.payment_id);
        shop.eventually(&order.order_id, "the refund is heard of", |now| now.balance == uah("0.00")).await;
    }
    assert_eq!(credited, 333);
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_cannot_be_posted_did_not_come_back() {
    let shop = Shop::open().await;
    let order = sold(&shop, &[("A-1", 1)], 0).await;
    let one = approve(&shop, &ask(&shop, &order, &[(0, 1)]).await.unwrap().into_inner()).await;
    let request = receipt(&shop, &one, &[(0, 1, ReturnDisposition::Sellable)]);
    shop.them.fail("PostReturn", [Failure::Unavailable, Failure::Refuse("WAREHOUSE_NOT_FOUND")]);

    let refused = testing::refusal(shop.client().receive_return(request.clone()).await);

    assert_eq!(refused.reason, "WAREHOUSE_NOT_FOUND");
    let get = pb::GetReturnRequest { return_id: one.return_id.clone() };
    assert_eq!(shop.client().get_return(get).await.unwrap().into_inner(), one, "it is as it was");
    assert_eq!(shop.order(&order.order_id).await.lines[0].returned, 0);
    shop.them.fail("PostReturn", [Failure::AnswerLost]);
    let done = shop.client().receive_return(request).await.unwrap().into_inner();
    assert_eq!(done.state(), ReturnState::Received);
    assert_eq!(shop.them.state().returns.len(), 1, "an answer that is lost is not posted twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_without_an_order_needs_an_amount_and_the_scope() {
    let shop = Shop::open().await;
    let line = pb::NewReturnLine {
        sku: "A-1".to_owned(),
        quantity: 2,
        reason: "other".to_owned(),
        ..Default::default()
    };
    let request = pb::CreateReturnRequest {
        shop_id: shop.shop_id.to_string(),
        customer_id: CustomerId::new().to_string(),
        amount: uah("150.00"),
        lines: vec![line],
        idempotency_key: shop.key(),
        ..Default::default()
    };
    let mut partner = shop.partner(&[shop.shop_id], &["orders.return"]);
    let refused = testing::refusal(partner.create_return(request.clone()).await);
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["order_id".to_owned()]));
    let bare = pb::CreateReturnRequest { amount: None, customer_id: String::new(), ..request.clone() };
    let refused = testing::refusal(shop.client().create_return(bare).await);
    assert_eq!(refused.fields, ["amount"]);

    let one = shop.client().create_return(request).await.unwrap().into_inner();
    let one = approve(&shop, &one).await;
    let found = [(0, 2, ReturnDisposition::Sellable)];
    let one = shop.client().receive_return(receipt(&shop, &one, &found)).await.unwrap().into_inner();
    let one = shop.client().resolve_return(resolution(&shop, &one)).await.unwrap().into_inner();

    assert_eq!(
        (one.order_id.as_str(), one.credited_total.clone(), one.refunds.len()),
        ("", uah("150.00"), 0)
    );
    assert_eq!(shop.them.state().stock["A-1"], 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn returns_are_found_and_foreign_ones_are_not() {
    let shop = Shop::open().await;
    let (order, other) = (sold(&shop, &[("A-1", 3)], 0).await, sold(&shop, &[("B-1", 2)], 0).await);
    for _ in 0..3 {
        ask(&shop, &order, &[(0, 1)]).await.unwrap();
    }
    let last = ask(&shop, &other, &[(0, 1)]).await.unwrap().into_inner();
    let refused = pb::RefuseReturnRequest {
        return_id: last.return_id.clone(),
        explanation: "минуло 30 днів".to_owned(),
        etag: last.etag.clone(),
        idempotency_key: shop.key(),
    };
    let refused = shop.client().refuse_return(refused).await.unwrap().into_inner();
    assert_eq!((refused.state(), refused.explanation.as_str()), (ReturnState::Refused, "минуло 30 днів"));

    let list = async |request: pb::ListReturnsRequest| {
        let mut ids = Vec::new();
        let mut request = pb::ListReturnsRequest { page_size: 2, ..request };
        loop {
            let page = shop.client().list_returns(request.clone()).await.unwrap().into_inner();
            ids.extend(page.returns.into_iter().map(|one| (one.return_id, one.lines.len())));
            if page.next_page_token.is_empty() {
                return ids;
            }
            request.page_token = page.next_page_token;
        }
    };
    assert_eq!(list(pb::ListReturnsRequest::default()).await.len(), 4);
    assert_eq!(list(pb::ListReturnsRequest::default()).await[0], (last.return_id.clone(), 1), "newest first");
    let of_order = pb::ListReturnsRequest { order_id: order.order_id.clone(), ..Default::default() };
    assert_eq!(list(of_order).await.len(), 3);
    let of_state = pb::ListReturnsRequest { states: vec![ReturnState::Refused.into()], ..Default::default() };
    assert_eq!(list(of_state).await, [(last.return_id.clone(), 1)]);
    let of_customer = pb::ListReturnsRequest { customer_id: order.customer_id.clone(), ..Default::default() };
    assert_eq!(list(of_customer).await.len(), 4);
    let late = pb::ListReturnsRequest { created_until_time: order.create_time, ..Default::default() };
    assert!(list(late).await.is_empty());

    let (other_shop, _) = shop.add_shop();
    let mut stranger = shop.partner(&[other_shop], &["orders.read", "orders.return", "orders.refund"]);
    assert!(
        stranger
            .list_returns(pb::ListReturnsRequest::default())
            .await
            .unwrap()
            .into_inner()
            .returns
            .is_empty()
    );
    let get = pb::GetReturnRequest { return_id: last.return_id.clone() };
    assert_eq!(testing::refusal(stranger.get_return(get).await).reason, "RETURN_NOT_FOUND");
    let foreign = testing::refusal(stranger.resolve_return(resolution(&shop, &last)).await);
    assert_eq!(foreign.reason, "RETURN_NOT_FOUND");
    assert_eq!(
        testing::refusal(stranger.create_return(wish(&shop, &order, &[(0, 1)])).await).reason,
        "ORDER_NOT_FOUND"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_move_names_the_allowed_ones() {
    let shop = Shop::open().await;
    let order = sold(&shop, &[("A-1", 1)], 0).await;
    let one = ask(&shop, &order, &[(0, 1)]).await.unwrap().into_inner();

    let early = shop.client().resolve_return(resolution(&shop, &one)).await;
    assert_eq!(
        (refusal(&early).reason.as_str(), facts(&early)["state"].as_str()),
        ("RETURN_STATE", "requested")
    );
    assert_eq!(facts(&early)["allowed"], "approved,refused,cancelled");
    let unapproved = receipt(&shop, &one, &[(0, 1, ReturnDisposition::Sellable)]);
    assert_eq!(testing::refusal(shop.client().receive_return(unapproved).await).reason, "RETURN_STATE");
    let old = pb::ApproveReturnRequest {
        return_id: one.return_id.clone(),
        etag: "0".to_owned(),
        idempotency_key: shop.key(),
    };
    let old = shop.client().approve_return(old).await;
    assert_eq!((refusal(&old).reason.as_str(), facts(&old)["current_etag"].as_str()), ("ETAG_MISMATCH", "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused() {
    let shop = Shop::open().await;
    let order = sold(&shop, &[("A-1", 2)], 0).await;
    let fields = async |request| testing::refusal(shop.client().create_return(request).await).fields;
    let right = wish(&shop, &order, &[(0, 1)]);

    let with = |change: fn(&mut pb::NewReturnLine)| {
        let mut request = right.clone();
        change(&mut request.lines[0]);
        request
    };
    assert_eq!(fields(with(|line| line.reason = "boredom".to_owned())).await, ["lines[0].reason"]);
    assert_eq!(fields(with(|line| line.quantity = 0)).await, ["lines[0].quantity"]);
    assert_eq!(
        fields(with(|line| line.photo_urls = vec!["http://a".to_owned()])).await,
        ["lines[0].photo_urls"]
    );
    assert_eq!(fields(pb::CreateReturnRequest { lines: Vec::new(), ..right.clone() }).await, ["lines"]);
    let priced = pb::CreateReturnRequest { amount: uah("1.00"), ..right.clone() };
    assert_eq!(fields(priced).await, ["amount"]);
    let mut twice = right.clone();
    twice.lines.push(right.lines[0].clone());
    assert_eq!(fields(twice).await, ["lines[1].line_id"]);

    let one = approve(&shop, &shop.client().create_return(right).await.unwrap().into_inner()).await;
    let nothing = receipt(&shop, &one, &[(0, 1, ReturnDisposition::Unspecified)]);
    let refused = testing::refusal(shop.client().receive_return(nothing).await);
    assert_eq!(refused.fields, ["lines[0].disposition"]);
}
